import { withAdmin } from './kafka-admin.ts'
import type { KafkaConnection } from './kafka-connection.ts'
import { kafkaNames } from './kafka-names.ts'

/** Who reads, and as which groups. */
export type GroupsOwned = Readonly<{ owner: string; groups: readonly string[] }>

/**
 * What members of a group call their way of sharing partitions out: Kafka lets nobody in who names
 * another one than those who are in, and so a group has one owner at a time.
 */
export function protocolOf(owner = ''): string {
  return `semel-keeping-${owner}`
}

/**
 * Of groups, those that are read for another owner just now, as they are called in Kafka.
 *
 * @throws {KafkaUnavailable | KafkaNotAllowed | KafkaNotSupported}
 */
export async function findTakenGroups(
  options: KafkaConnection,
  { owner, groups }: GroupsOwned,
): Promise<readonly string[]> {
  const names = groups.map(kafkaNames(options.prefix).group)
  return withAdmin(options, async (admin) => {
    const found = await admin.describeGroups({ groups: names })
    return names.filter((name) => {
      const { protocol = '', members } = found.get(name) ?? {}
      // While partitions are shared out, there is no protocol yet.
      return (
        members !== undefined && members.size > 0 && !['', protocolOf(owner)].includes(protocol)
      )
    })
  })
}
