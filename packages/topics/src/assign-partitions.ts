/** A partition of a topic. */
export type TopicPartition = Readonly<{ topic: string; partition: number }>

/** Who reads for a group, and what it reads until now. */
export type Member = Readonly<{
  id: string
  topics: readonly string[]
  owned: readonly TopicPartition[]
}>

/**
 * Shares partitions out evenly to those who subscribe to them. Everybody keeps what they read as
 * long as it is no more than a fair share: what moves is read twice. Pure, and the same for any
 * order of its arguments.
 */
export function assignPartitions(
  members: readonly Member[],
  partitions: readonly TopicPartition[],
): ReadonlyMap<string, readonly TopicPartition[]> {
  const sorted = members.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const assigned = new Map(sorted.map(({ id }) => [id, [] as TopicPartition[]]))
  const fairShare = Math.floor(partitions.length / members.length)
  let sharesWithOneMore = partitions.length % members.length
  const ownerOf = new Map<string, Member>()
  for (const member of sorted) {
    for (const one of member.owned) {
      // Two claim it only after a member was away for too long: any of them will do.
      if (member.topics.includes(one.topic)) ownerOf.set(nameOf(one), member)
    }
  }
  const left: TopicPartition[] = []
  for (const one of partitions.toSorted(byName)) {
    const mine = assigned.get(ownerOf.get(nameOf(one))?.id ?? '')
    const isOneMore = mine?.length === fairShare && sharesWithOneMore > 0
    if (isOneMore) sharesWithOneMore -= 1
    if (mine !== undefined && (mine.length < fairShare || isOneMore)) mine.push(one)
    else left.push(one)
  }
  for (const one of left) leastBusy(sorted, assigned, one.topic)?.push(one)
  for (const mine of assigned.values()) mine.sort(byName)
  return assigned
}

function leastBusy(
  members: readonly Member[],
  assigned: ReadonlyMap<string, TopicPartition[]>,
  topic: string,
): TopicPartition[] | undefined {
  return members
    .filter(({ topics }) => topics.includes(topic))
    .map(({ id }) => assigned.get(id)!)
    .reduce<TopicPartition[] | undefined>(
      (least, each) => (least === undefined || each.length < least.length ? each : least),
      undefined,
    )
}

function byName(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}

/** A name of its own for each partition. */
export function nameOf({ topic, partition }: TopicPartition): string {
  return `${partition} ${topic}`
}
