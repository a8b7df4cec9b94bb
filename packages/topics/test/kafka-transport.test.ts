import { describeWithKafka } from '@semel/parts/testing'
import { transportConformance } from '@semel/topics/conformance'
import { openKafkaCluster } from './kafka-cluster.ts'

describeWithKafka('with a broker', () => {
  transportConformance('the Kafka transport', openKafkaCluster)
})
