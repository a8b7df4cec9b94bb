/** A topic is not there: topics are never made by the way. Code `topic-unknown`. */
export class TopicUnknown extends Error {
  readonly code = 'topic-unknown'

  constructor(topics: readonly string[], cause?: unknown) {
    const names = topics.join(', ')
    super(`Kafka has no topic ${names}: make it with createTopics, or look whom brokers name`, {
      cause,
    })
  }
}

/** Kafka cannot be written to, or it is not known whether it was. Code `unavailable`. */
export class KafkaUnavailable extends Error {
  readonly code = 'unavailable'
  /** `unknown`: published again, messages may be there twice, with the same ids. */
  readonly effect: 'none' | 'unknown'

  constructor(effect: 'none' | 'unknown', cause: unknown) {
    super(`Kafka cannot be written to (${cause instanceof Error ? cause.message : cause})`, {
      cause,
    })
    this.effect = effect
  }
}

/** A group was to go on where the broker has nothing any more; it goes on where there is more. */
export class MessagesGone extends Error {
  readonly code = 'messages-gone'
}
