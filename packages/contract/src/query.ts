import { type Static, type TObject, type TProperties, Type } from 'typebox'
import { exampleOf, withExample } from './example.ts'
import type { ProblemContract } from './problem.ts'

/**
 * A question, declared once: its path, its parameters, and what an answer looks like.
 *
 * A parameter named `userId` is the user it is about: only who may act for that user may ask.
 */
export interface QueryContract<
  Name extends string = string,
  Parameters extends TProperties = TProperties,
> {
  readonly name: Name
  readonly summary: string
  readonly path: string
  /** Parameters in the path, by default those it names in braces; the others are in the query. */
  readonly inPath: readonly (keyof Parameters & string)[]
  readonly parameters: Parameters
  readonly input: TObject<Parameters>
  readonly answer: {
    readonly description: string
    readonly body: TObject
    readonly example: unknown
    /** Headers that an answer may carry besides, in lower case, and what they say. */
    readonly headers?: Readonly<Record<string, string>>
  }
  /** The entity tag of an answer; where given, `If-None-Match` is honoured (304). */
  readonly etag: ((body: Readonly<Record<string, unknown>>) => string) | undefined
  readonly refusals: readonly ProblemContract[]
  /** Valid parameters, whole. */
  readonly example: Readonly<Record<string, unknown>>
}

// biome-ignore lint/suspicious/noExplicitAny: contracts of any shape are listed together
export type AnyQueryContract = QueryContract<string, any>

/** The parameters of a contract's query, as its handler sees them. */
export type ParametersOf<Contract extends AnyQueryContract> = Static<Contract['input']>

/**
 * Declares a query. Values arrive as text: declare numbers as `Type.Integer`, they are parsed.
 * Examples that are left out are those of the schemas, as for commands.
 *
 * @throws TypeError when there is no example.
 */
export function query<
  const Name extends string,
  // biome-ignore lint/complexity/noBannedTypes: a query without parameters has no properties
  const Parameters extends TProperties = {},
>(
  declaration: Pick<QueryContract<Name, Parameters>, 'name' | 'summary' | 'path'> & {
    readonly answer: Omit<QueryContract['answer'], 'example'> & { readonly example?: unknown }
  } & Partial<
      Pick<
        QueryContract<Name, Parameters>,
        'parameters' | 'inPath' | 'etag' | 'refusals' | 'example'
      >
    >,
): QueryContract<Name, Parameters> {
  const parameters = declaration.parameters ?? ({} as Parameters)
  const input = Type.Object(parameters, { additionalProperties: false }) as TObject<Parameters>
  return {
    inPath: [...declaration.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!),
    etag: undefined,
    refusals: [],
    ...declaration,
    answer: withExample(declaration.answer),
    example: declaration.example ?? (exampleOf(input) as Record<string, unknown>),
    parameters,
    input,
  }
}
