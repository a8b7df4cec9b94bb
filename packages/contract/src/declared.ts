import type { TSchema } from 'typebox'

/** What we read of a schema. */
type Shape = Readonly<{
  properties?: Readonly<Record<string, TSchema>>
  additionalProperties?: unknown
  items?: TSchema
}>

/**
 * A copy of a valid value with only those members that its schema declares, at every depth of
 * objects and lists: what older readers see of an event that has grown. Unions, and objects that
 * declare how their other members look, are left as they are.
 */
export function onlyDeclared(schema: TSchema, value: unknown): unknown {
  const { properties, additionalProperties, items } = schema as Shape
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    return items === undefined ? value : value.map((member) => onlyDeclared(items, member))
  }
  if (properties === undefined || typeof additionalProperties === 'object') return value
  const members = Object.entries(value)
    .filter(([name]) => Object.hasOwn(properties, name))
    .map(([name, member]) => [name, onlyDeclared(properties[name] as TSchema, member)] as const)
  return Object.fromEntries(members)
}
