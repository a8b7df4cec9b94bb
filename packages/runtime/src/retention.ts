import type { TopicSettings } from './settings.ts'

const dayMs = 24 * 60 * 60 * 1000

/** How long the database keeps messages, and remembers commands. */
export function retentionOf(config: TopicSettings): { keptMs: number; rememberedMs: number } {
  const { SEMEL_KEPT_DAYS: kept, SEMEL_REMEMBERED_DAYS: remembered } = config
  return { keptMs: kept * dayMs, rememberedMs: remembered * dayMs }
}
