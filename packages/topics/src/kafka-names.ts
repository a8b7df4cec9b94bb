const deadEnding = '_dead'

/** What topics and groups are called in Kafka, where others have topics and groups, too. */
export type KafkaNames = Readonly<{
  /** `order` is `DEV_order_1_0_pu`, `order_dead` is `DEV_order_1_0_pu_dead`. */
  topic(topic: string): string
  /** The other way round. */
  topicOf(name: string): string
  /** `orders` is `DEV_orders`. */
  group(group: string): string
}>

/** The names that a prefix makes of ours; without one, all are called what we call them. */
export function kafkaNames(prefix: string | undefined): KafkaNames {
  if (prefix === undefined) return { topic: same, topicOf: same, group: same }
  const [begin, end] = [`${prefix}_`, '_1_0_pu']
  return {
    topic(topic) {
      const isDead = topic.endsWith(deadEnding)
      const entity = isDead ? topic.slice(0, -deadEnding.length) : topic
      return begin + entity + end + (isDead ? deadEnding : '')
    },
    topicOf(name) {
      const isDead = name.endsWith(end + deadEnding)
      const entity = name.slice(begin.length, -(end.length + (isDead ? deadEnding.length : 0)))
      return entity + (isDead ? deadEnding : '')
    },
    group: (group) => begin + group,
  }
}

function same(name: string): string {
  return name
}
