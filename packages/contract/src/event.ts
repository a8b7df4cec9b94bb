import { type Static, type TObject, type TProperties, Type } from 'typebox'
import type { Outgoing } from './answer.ts'

/** Something that has happened, told on a topic: its type and its body. */
export interface EventContract<
  Name extends string = string,
  Body extends TProperties = TProperties,
> {
  /** The CloudEvents type, in the past tense. */
  readonly type: Name
  readonly summary: string
  /** The entity whose topic carries it, such as `billing`; transports make a full name of it. */
  readonly topic: string
  readonly body: TObject<Body>
  readonly example: unknown
}

/** An event whose body says under which key: {@link event} declares it, {@link tell} takes it. */
export interface KeyedEventContract<
  Name extends string = string,
  Body extends TProperties = TProperties,
> extends EventContract<Name, Body> {
  /** Events with the same partition key are read in the order they were told. */
  readonly partitionKey: (body: Static<TObject<Body>>) => string
}

// biome-ignore lint/suspicious/noExplicitAny: contracts of any shape are listed together
export type AnyEventContract = EventContract<string, any>

/** Declares an event. Readers ignore members they do not know, so events may grow. */
export function event<const Name extends string, const Body extends TProperties>(
  declaration: Omit<KeyedEventContract<Name, Body>, 'body'> & { readonly body: Body },
): KeyedEventContract<Name, Body> {
  return { ...declaration, body: Type.Object(declaration.body) as TObject<Body> }
}

/** An event with its body, as a decision tells it. */
export function tell<Body extends TProperties>(
  { topic, type, partitionKey }: KeyedEventContract<string, Body>,
  body: Static<TObject<Body>>,
): Outgoing {
  return { topic, type, partitionKey: partitionKey(body), body }
}
