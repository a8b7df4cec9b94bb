/** What has to happen now and then, or the simulation shows little: a run fails without each. */
export const rareEvents = [
  'unknown commit resolved as committed',
  'unknown commit resolved as not committed',
  'conflict run again',
  'connection broken before its commit',
  'database away',
  'told unavailable, not executed',
  'told unavailable, unknown',
  'connection of a client broken by a crash',
  'crash inside a transaction',
  'crash between commit and answer',
  'crash between effect and position',
  'crash of a relay between sending and taking note',
  'another process took a partition over',
  'handed over, not read',
  'handed over, and read all the same',
  'hand-over lost, found by the poll',
  'batch delivered again while it was worked on',
  'duplicate event dropped by the command log',
  'duplicate event absorbed by the tables alone',
  'repeat of a command answered from the log',
  'same command by both ways',
  'joined the first of its kind',
  'still in flight at the end of the wait',
  'reused key refused',
  'reused key answered leniently',
  'reused key by topic answered in the registry',
  'key expired',
  'same key of two callers',
  'stale version refused',
  "another's order unknown",
  'deposit refused before the account opened',
  'placed again under another key',
  'cancel before charge',
  'older version came late to billing',
  'decision that came too late',
  'decision repeated verbatim',
  'declined order gave its hold back',
  'refund of an order that got cheaper',
  'answered before pending in the registry',
  'parked request answered in the end',
  'later completion left the first answer',
  'poisoned command parked',
  'undecodable message parked',
  'poisoned command failed alone over HTTP',
  'follower parked behind',
  'parked and redriven',
  'redriven before it was mended',
  'parked and discarded',
  'position reset while a batch was worked on',
  'messages replayed after a reset',
  'command log of events forgotten',
] as const

export type RareEvent = (typeof rareEvents)[number]

/** How often each has happened. */
export type RareCounts = Map<RareEvent, number>

export function addCounts(to: RareCounts, more: Iterable<readonly [RareEvent, number]>): void {
  for (const [event, count] of more) to.set(event, (to.get(event) ?? 0) + count)
}

/** Those that never happened. */
export function missingEvents(counts: RareCounts): readonly RareEvent[] {
  return rareEvents.filter((event) => !counts.has(event))
}
