import type { TSchema } from 'typebox'

/** What we read of a schema. */
type Exemplary = Readonly<{
  type?: string
  examples?: readonly unknown[]
  const?: unknown
  enum?: readonly unknown[]
  properties?: Readonly<Record<string, TSchema>>
  required?: readonly string[]
  items?: TSchema
  anyOf?: readonly TSchema[]
}>

/**
 * An example of a schema: the first of its own `examples`, or one made of its members' examples.
 * Optional members without an example are left out.
 *
 * @throws TypeError when there is none: give one where the schema or the contract is declared.
 */
export function exampleOf(schema: TSchema): unknown {
  const made = findExample(schema)
  if (made === undefined) {
    throw new TypeError(`a schema has no example: ${JSON.stringify(schema)}`)
  }
  return made
}

/** An answer with its example, which may be left to its schema. */
export function withExample<Answer extends { readonly body: TSchema; readonly example?: unknown }>(
  answer: Answer,
): Answer & { readonly example: unknown } {
  return { ...answer, example: answer.example ?? exampleOf(answer.body) }
}

function findExample(schema: TSchema): unknown {
  const { examples, enum: values, properties, items, anyOf, ...rest } = schema as Exemplary
  if (examples !== undefined) return examples[0]
  if (rest.const !== undefined) return rest.const
  if (values !== undefined) return values[0]
  if (rest.type === 'null') return null
  if (anyOf !== undefined) return anyOf.map(findExample).find((found) => found !== undefined)
  if (items !== undefined) return listOf(findExample(items))
  if (properties === undefined) return undefined
  const members = Object.entries(properties).map(([name, member]) => {
    const isRequired = rest.required?.includes(name) ?? false
    return [name, isRequired ? exampleOf(member) : findExample(member)] as const
  })
  return Object.fromEntries(members.filter(([, example]) => example !== undefined))
}

function listOf(item: unknown): readonly unknown[] | undefined {
  return item === undefined ? undefined : [item]
}
