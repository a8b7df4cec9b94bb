import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { type RegistryCacheOptions, registryReplayCache } from '@semel/commands/registry'
import { describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../../../test/product.ts'
import { decided } from './records.ts'

const secret = 'a secret of at least thirty-two bytes'
const one = decided('one')
const nothing: RequestListener = (_, response) => response.end('{"answers":[]}')

// What a registry says and who believes it is tried on the service: services/messages/test.

describe('a replay cache of a registry', () => {
  it.each<[string, RequestListener]>([
    ['never answers', () => {}],
    ['hangs up', (request) => request.socket.destroy()],
    ['does not know the address', (_, response) => response.writeHead(404).end('{}')],
    ['has another secret', (_, response) => response.writeHead(401).end('{}')],
    ['answers with no JSON', (_, response) => response.end('<html>')],
    ['answers with other JSON', (_, response) => response.end('{"answers":[{"guid":7}]}')],
    ['answers half', (_, response) => response.writeHead(200, { 'content-length': '99' }).end('{')],
    ['answers without end', (_, response) => void response.write('{"answers":[')],
  ])('knows nothing, at once, where somebody %s', async (_, answer) => {
    const { cache, told, connections } = await open(answer, { budgetMs: 50, connectWithinMs: 50 })
    await until(async () => told.length > 0)

    expect(await cache.get([one])).toEqual(new Map())
    expect(cache.isConnected()).toBe(false)
    expect(cache.counts()).toEqual({ hits: 0, misses: 0, ignored: 0, errors: 0, skipped: 1 })
    expect(JSON.stringify(told) + String(told)).not.toContain(secret)
    await cache.close()
    await until(async () => (await connections()) === 0)
  })

  it('costs its budget a few times when it hangs, then nothing until it answers', async () => {
    let hangs = false
    const { cache, told } = await open((...exchange) => void (hangs || nothing(...exchange)), {
      budgetMs: 200,
      failuresMax: 2,
      retryMs: 50,
      connectWithinMs: 200,
    })
    await until(async () => cache.isConnected())
    expect(await cache.get([one])).toEqual(new Map())

    hangs = true
    const costs: number[] = []
    for (const end = performance.now() + 1_500; performance.now() < end; await setImmediate()) {
      const begun = performance.now()
      expect(await cache.get([one])).toEqual(new Map())
      costs.push(performance.now() - begun)
    }

    expect(costs.filter((ms) => ms >= 190)).toHaveLength(2)
    expect(cache.counts()).toMatchObject({ misses: 1, errors: 2, skipped: costs.length - 2 })
    expect(told).toHaveLength(1)
    hangs = false
    await until(async () => cache.isConnected())
  })

  it('asks its processes in turn, and those alone that answer', async () => {
    const asked = [0, 0]
    const [first, second] = await Promise.all(
      [0, 1].map((index) =>
        listen((...exchange) => {
          asked[index]! += 1
          nothing(...exchange)
        }),
      ),
    )
    const { cache } = openAt([first!.url, second!.url], { budgetMs: 10_000 })
    // Each is tried by two questions.
    await until(async () => asked[0]! + asked[1]! === 4 && cache.isConnected())
    for (let n = 0; n < 10; n += 1) await cache.get([one])
    expect(asked).toEqual([7, 7])

    await second!.close()
    await until(async () => {
      await cache.get([one])
      return cache.counts().errors === 3
    })
    for (let n = 0; n < 10; n += 1) await cache.get([one])

    expect(asked[1]).toBe(7)
    expect(cache.counts()).toMatchObject({ errors: 3, skipped: 0 })
  })

  it('takes no secret that could be guessed', () => {
    const urls = ['http://127.0.0.1:1']
    expect(() => registryReplayCache({ urls, secret: 'short' })).toThrow(TypeError)
  })
})

async function open(answer: RequestListener, options: Partial<RegistryCacheOptions>) {
  const { url, connections } = await listen(answer)
  return { ...openAt([url], options), connections }
}

function openAt(urls: readonly string[], options: Partial<RegistryCacheOptions>) {
  const told: unknown[] = []
  const report = (error: unknown) => void told.push(error)
  const cache = registryReplayCache({ urls, secret, retryMs: 20, report, ...options })
  onTestFinished(() => cache.close())
  return { cache, told }
}

/** Somebody who answers HTTP as told. */
async function listen(answer: RequestListener) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  const close = async () => {
    server.closeAllConnections()
    server.close()
  }
  onTestFinished(close)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const connections = () =>
    new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)))
  return { url: `http://127.0.0.1:${port}`, connections, close }
}
