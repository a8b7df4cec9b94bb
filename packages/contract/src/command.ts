import { type Static, type TObject, type TProperties, Type } from 'typebox'
import { exampleOf, withExample } from './example.ts'
import type { AcceptedAnswer, OperationContract, Subject } from './operation.ts'

/**
 * A command as the wire knows it, declared once: HTTP, topics, OpenAPI and validation all read it.
 *
 * The **input** of a command is one flat JSON object: path parameters, query parameters, members of
 * the body and, where `ifMatch` is on, the strong entity tags of `If-Match`. Names are disjoint.
 * A member named `userId` is the user the command is about: only who may act for that user may ask.
 */
export interface CommandContract<
  Operation extends string = string,
  Params extends TProperties = TProperties,
  Query extends TProperties = TProperties,
  Body extends TProperties = TProperties,
> extends OperationContract<
    Operation,
    TObject<Params & Query & Body & { ifMatch: ReturnType<typeof ifMatchSchema> }>
  > {
  readonly method: 'POST' | 'PUT' | 'DELETE'
  /** Path template in braces, as OpenAPI writes it: `/orders/{id}`. */
  readonly path: string
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** The body member that can stand for the idempotency key, if the client made one. */
  readonly clientMadeId: (keyof Body & string) | undefined
  /** Honour `If-Match`: its strong tags, quotes included, arrive as `input.ifMatch`. */
  readonly ifMatch: boolean
  /** Refuse with `version-required` unless a version or a strong `If-Match` is given. */
  readonly requiresVersion: boolean
  /** Where the resource lives that this command makes or changes. Default: at its own path. */
  readonly resource: (command: Subject<Static<TObject<Params & Query & Body>>>) => string
  /**
   * The entity whose topic carries the command when no answer is waited for, and its partition key
   * there: commands with the same one are decided in the order they were taken. Undefined: the
   * command is only answered at once.
   */
  readonly topic: string | undefined
  readonly partitionKey: (command: Subject<Static<TObject<Params & Query & Body>>>) => string
  /** A valid input, whole: path parameters too. */
  readonly example: Readonly<Record<string, unknown>>
}

// biome-ignore lint/suspicious/noExplicitAny: contracts of any shape are listed together
export type AnyCommandContract = CommandContract<string, any, any, any>

function ifMatchSchema() {
  return Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 16 }))
}

/** An answer as it is declared: its example may be left to its schema. */
type DeclaredAnswer = Omit<AcceptedAnswer, 'example'> & Partial<Pick<AcceptedAnswer, 'example'>>

type Declaration<
  Operation extends string,
  Params extends TProperties,
  Query extends TProperties,
  Body extends TProperties,
> = Pick<
  CommandContract<Operation, Params, Query, Body>,
  'operation' | 'summary' | 'method' | 'path' | 'refusals'
> & {
  readonly accepted: readonly [DeclaredAnswer, ...DeclaredAnswer[]]
} & Partial<
    Pick<
      CommandContract<Operation, Params, Query, Body>,
      | 'params'
      | 'query'
      | 'body'
      | 'clientMadeId'
      | 'ifMatch'
      | 'requiresVersion'
      | 'resource'
      | 'etag'
      | 'topic'
      | 'partitionKey'
      | 'example'
    >
  >

/**
 * Declares a command. Examples that are left out are those of the schemas: their own `examples`,
 * or made of their members'.
 *
 * @throws TypeError when two parts of the input share a name: the input is one flat object; or when
 * there is no example.
 */
export function command<
  const Operation extends string,
  // biome-ignore lint/complexity/noBannedTypes: an absent part has no properties
  const Params extends TProperties = {},
  // biome-ignore lint/complexity/noBannedTypes: an absent part has no properties
  const Query extends TProperties = {},
  // biome-ignore lint/complexity/noBannedTypes: an absent part has no properties
  const Body extends TProperties = {},
>(
  declaration: Declaration<Operation, Params, Query, Body>,
): CommandContract<Operation, Params, Query, Body> {
  const params = declaration.params ?? ({} as Params)
  const query = declaration.query ?? ({} as Query)
  const body = declaration.body ?? ({} as Body)
  const ifMatch = declaration.ifMatch ?? false
  const [usual, ...others] = declaration.accepted
  const names = [...Object.keys(params), ...Object.keys(query), ...Object.keys(body), 'ifMatch']
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) {
    throw new TypeError(`${declaration.operation}: "${twice}" names two parts of the input`)
  }
  const input = Type.Object(
    { ...params, ...query, ...body, ...(ifMatch ? { ifMatch: ifMatchSchema() } : {}) },
    { additionalProperties: false },
  ) as unknown as CommandContract<Operation, Params, Query, Body>['input']
  return {
    clientMadeId: undefined,
    requiresVersion: false,
    etag: undefined,
    topic: undefined,
    partitionKey: ({ id }) => id,
    resource: ({ input }) => filled(declaration.path, input),
    ...declaration,
    accepted: [withExample(usual), ...others.map(withExample)],
    example: declaration.example ?? (exampleOf(input) as Record<string, unknown>),
    params,
    query,
    body,
    ifMatch,
    input,
  }
}

function filled(path: string, input: object): string {
  const values = new Map<string, unknown>(Object.entries(input))
  return path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(values.get(name))))
}
