import { memoryDatabase, memoryStore } from '@semel/commands/memory'
import { outboxConformance } from '@semel/topics/conformance'
import { type MemoryTransport, memoryLog, memoryTransport } from '@semel/topics/memory'

outboxConformance('the memory transport', async () => {
  const database = memoryDatabase()
  const log = memoryLog(database.messages)
  const opened: MemoryTransport[] = []
  return {
    transport: (partitions = {}) => {
      const transport = memoryTransport({ partitions, log })
      opened.push(transport)
      return transport
    },
    async commit(work) {
      await memoryStore(database).transaction(work)
      setImmediate(() => {
        for (const transport of opened) transport.poll()
      })
    },
    close: async () => {},
  }
})
