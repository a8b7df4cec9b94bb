import { storeConformance } from '@semel/commands/conformance'
import { memoryDatabase, memoryStore } from '@semel/commands/memory'

storeConformance('the memory store', async () => {
  const database = memoryDatabase()
  return { store: memoryStore(database), rival: memoryStore(database), close: async () => {} }
})
