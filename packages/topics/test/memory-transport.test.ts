import { transportConformance } from '@semel/topics/conformance'
import { memoryLog, memoryTransport } from '@semel/topics/memory'

transportConformance('the memory transport', async () => {
  const log = memoryLog()
  return {
    transport: (partitions = {}) => memoryTransport({ partitions, log }),
    close: async () => {},
  }
})
