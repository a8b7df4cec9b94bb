import type { Manifest } from './manifests.ts'

/** What holds for all that a chart becomes. */
export type Rule = Readonly<{
  promise: string
  /** Who does not keep to it. */
  broken: (manifests: readonly Manifest[]) => readonly string[]
  /** Ways to break it, each of which has to be noticed. */
  breaks: readonly ((manifests: readonly Manifest[]) => unknown)[]
}>
