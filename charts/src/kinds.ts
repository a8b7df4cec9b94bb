import { type TSchema, Type } from 'typebox'

// Kinds of values.

export type Properties = Readonly<Record<string, TSchema>>

export const closed = { additionalProperties: false } as const
export const dnsName = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'

export function object(description: string, properties: Properties) {
  return Type.Object({ ...properties }, { description, ...closed })
}

/** What is Kubernetes' own, and handed on as it is. */
export function handedOn(
  description: string,
  kind: 'array' | 'object',
  usual: unknown = undefined,
) {
  const schema =
    kind === 'array' ? Type.Array(Type.Unknown()) : Type.Record(Type.String(), Type.Unknown())
  return { ...schema, description, default: usual ?? (kind === 'array' ? [] : {}) }
}

export function text(
  description: string,
  usual = '',
  options: Readonly<Record<string, unknown>> = {},
) {
  return Type.String({ description, default: usual, ...options })
}

export function flag(description: string, usual: boolean) {
  return Type.Boolean({ description, default: usual })
}

export function count(description: string, usual: number, minimum: number, maximum: number) {
  return Type.Integer({ description, default: usual, minimum, maximum })
}
