import { onTestFinished } from 'vitest'
import { spawnProduct, until } from './product.ts'

/** Processes of the product that are killed and started again. */
export type RestlessProduct = Readonly<{
  /** Where those that run listen; maybe nowhere. */
  urls(): readonly string[]
  /** Kills one of them in the midst of its work and starts another. Whether one was running. */
  killOne(): boolean
  /** Resolves when all of them are ready. */
  allReady(): Promise<void>
  /** What processes printed that ended by themselves. */
  ends(): readonly string[]
}>

type Place = { url: string | undefined; kill: () => void }

/** Starts so many processes on one database; all are killed at the test's end. */
export function startRestless(count: number, env: Record<string, string>): RestlessProduct {
  const places: Place[] = []
  const ends: string[] = []
  let isOver = false
  onTestFinished(() => {
    isOver = true
    for (const { kill } of places) kill()
  })

  function startAt(index: number): void {
    const { child, output, exited } = spawnProduct(env)
    let isKilled = false
    const place: Place = {
      url: undefined,
      kill() {
        isKilled = true
        place.url = undefined
        child.kill('SIGKILL')
      },
    }
    places[index] = place
    void exited.then(() => {
      place.url = undefined
      if (!isKilled) ends.push(output())
      if (!isOver) startAt(index)
    })
    void until(async () => {
      if (isKilled) return true
      const url = /http:\/\/[\w.[\]:]+:\d+/.exec(output())?.[0]
      if (url === undefined || (await fetch(`${url}/health/ready`)).status !== 200) return false
      if (!isKilled) place.url = url
      return true
    }).catch((error) => ends.push(`never ready: ${error}\n${output()}`))
  }

  for (let index = 0; index < count; index += 1) startAt(index)
  const running = () => places.filter(({ url }) => url !== undefined)
  return {
    urls: () => running().flatMap(({ url }) => url ?? []),
    killOne() {
      const found = running()
      const one = found[Math.floor(Math.random() * found.length)]
      one?.kill()
      return one !== undefined
    },
    allReady: () => until(async () => running().length === count),
    ends: () => ends,
  }
}
