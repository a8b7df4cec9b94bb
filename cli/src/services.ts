import { once } from 'node:events'
import { createServer } from 'node:http'
export async function openServices({ config, lifecycle }: any): Promise<{ port: number }> {
  const server = createServer((_, r) => r.end('{}'))
  await lifecycle.open(
    'HTTP',
    async () => {
      server.listen(config.PORT, config.HOST)
      await once(server, 'listening')
    },
    async () => {
      server.close()
      server.closeAllConnections()
    },
  )
  return { port: (server.address() as any).port }
}
