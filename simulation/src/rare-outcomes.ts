import { type Command, guidOf } from '@semel/commands'
import type { Attempt, End } from './history.ts'
import { addCounts, type RareCounts, type RareEvent } from './rare-events.ts'

/** Counts what clients were told, and what the registry says of those who were told nothing. */
export function noteOutcomes(end: End, counts: RareCounts): void {
  const events = end.attempts.flatMap((attempt) => eventOf(attempt) ?? [])
  addCounts(
    counts,
    [...events, ...registered(end), ...acrossWays(end)].map((event) => [event, 1]),
  )
}

function eventOf({ told, isAskedAgain }: Attempt): RareEvent | undefined {
  switch (told.kind) {
    case 'unavailable':
      return told.effect === 'none' ? 'told unavailable, not executed' : 'told unavailable, unknown'
    case 'broken':
      return 'connection of a client broken by a crash'
    case 'failed':
      return 'poisoned command failed alone over HTTP'
    case 'in-flight':
      return 'still in flight at the end of the wait'
    case 'key-reused':
      return isAskedAgain ? undefined : 'reused key refused'
    case 'key-expired':
      return 'key expired'
    case 'answered':
      if (told.reused) return 'reused key answered leniently'
      return told.replayed && !isAskedAgain ? 'joined the first of its kind' : undefined
    case 'taken':
      return undefined
  }
}

function registered({ entries }: End): RareEvent[] {
  const isReused = entries.some(({ state }) => state === 'key-reused')
  return isReused ? ['reused key by topic answered in the registry'] : []
}

function acrossWays({ attempts }: End): RareEvent[] {
  const asked = attempts.filter(({ isAskedAgain }) => !isAskedAgain)
  const byTopic = new Set(
    asked.filter(({ way }) => way === 'by-topic').map(({ command }) => guidOf(command)),
  )
  const isBoth = asked.some(({ way, command }) => way === 'at-once' && byTopic.has(guidOf(command)))
  const callers = new Map<string, Set<string>>()
  for (const { command } of asked) {
    const name = nameOf(command)
    callers.set(name, (callers.get(name) ?? new Set()).add(command.scope))
  }
  const isShared = [...callers.values()].some(({ size }) => size > 1)
  return [
    ...(isBoth ? (['same command by both ways'] as const) : []),
    ...(isShared ? (['same key of two callers'] as const) : []),
  ]
}

function nameOf({ operation, key }: Command): string {
  return `${operation} ${key}`
}
