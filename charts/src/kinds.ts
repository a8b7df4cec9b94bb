import { type TSchema, Type } from 'typebox'

// Kinds of values.

export type Properties = Readonly<Record<string, TSchema>>

export const closed = { additionalProperties: false } as const
export const dnsName = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?'
const dnsPath = `${dnsName}(\\.${dnsName})*`

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

/** The name of something in the cluster, or none. */
export function nameOf(description: string) {
  return text(description, '', { pattern: `^(${dnsPath})?$`, maxLength: 253 })
}

/** A host; `*.` before it stands for all below it. */
export function hostOf(description: string, usual: string) {
  return text(description, usual, { pattern: `^(\\*\\.)?${dnsPath}$`, maxLength: 253 })
}

/** Texts by name, such as annotations: what YAML takes for a number or a boolean is none. */
export function texts(description: string, options: Readonly<Record<string, unknown>> = {}) {
  const schema = Type.Record(Type.String(), Type.String())
  return { ...schema, ...options, description, default: {} }
}

/** What Kubernetes knows by these properties, one or several times. */
export function listOf(description: string, properties: Properties) {
  return { ...Type.Array(Type.Object(properties, closed)), description, default: [] }
}

export function flag(description: string, usual: boolean) {
  return Type.Boolean({ description, default: usual })
}

export function count(description: string, usual: number, minimum: number, maximum: number) {
  return Type.Integer({ description, default: usual, minimum, maximum })
}
