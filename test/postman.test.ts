import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  collections,
  failuresOf,
  type Item,
  operatorToken,
  type Run,
  runCollection,
} from './postman.ts'
import { startProduct } from './product.ts'

const folders = collections.flatMap((collection) =>
  collection.item.map(({ name }) => ({ collection, folder: name })),
)

describe('the Postman collections', () => {
  it('pass alone and repeatedly, with nothing but an address', async () => {
    const { url } = await startProduct()

    const runs: Run[] = []
    for (const collection of collections) {
      runs.push(await runCollection(collection, { baseUrl: url }))
      runs.push(await runCollection(collection, { baseUrl: url }))
    }

    expect(runs.flatMap(failuresOf)).toEqual([])
    expect(runs.flatMap(assertionsOf).length / 2).toBeGreaterThanOrEqual(60)
  })

  it('pass folder by folder, in any order, with the token of an operator', async () => {
    const secret = 'a secret of at least thirty-two bytes'
    const { url } = await startProduct({ AUTH_JWT_SECRET: secret })
    const variables = { baseUrl: url, token: operatorToken(secret) }

    const runs: Run[] = []
    for (const one of folders.toReversed()) {
      runs.push(await runCollection(one.collection, variables, one.folder))
    }

    expect(runs.flatMap(failuresOf)).toEqual([])
  })

  it('can fail in every assertion: none holds against both of two wrong servers', async () => {
    const empty = await listening((_request, response) => response.end('{}'))
    const contrary = await listening(contradict())

    const outcomes: Outcome[][] = []
    for (const baseUrl of [empty, contrary]) {
      const runs: Run[] = []
      for (const one of collections) runs.push(await runCollection(one, { baseUrl, pollMs: '0' }))
      outcomes.push(runs.flatMap(assertionsOf))
    }

    const [first, second] = outcomes
    expect(first!.map(({ title }) => title)).toEqual(second!.map(({ title }) => title))
    expect(first!.filter(({ holds }) => !holds).length).toBeGreaterThan(first!.length / 2)
    expect(first!.filter(({ holds }, index) => holds && second![index]!.holds)).toEqual([])
  })

  it('are of format 2.1, and every address in them begins with {{baseUrl}}/', () => {
    const addresses = collections.flatMap(({ item }) => item.flatMap(addressesIn))
    const initial = collections.map(
      ({ variable }) => variable.find(({ key }) => key === 'baseUrl')?.value,
    )

    expect(addresses.filter((address) => !address.startsWith('{{baseUrl}}/'))).toEqual([])
    expect(new Set(initial)).toEqual(new Set(['arch.homework']))
    expect(collections.filter(({ info }) => !info.schema.includes('/v2.1.0/'))).toEqual([])
  })

  it('show the nine steps twice, the seven by their names, and the eight both ways', () => {
    const steps = folders.map(({ collection, folder: name }) =>
      collection.item.find((one) => one.name === name)!.item!.map((step) => step.name),
    )

    const [strict, lenient, atOnce, later, seven] = steps
    expect([strict, lenient].map((each) => each?.length)).toEqual([9, 9])
    for (const eight of [atOnce, later]) {
      const numbers = new Set(eight?.map((name) => Number.parseInt(name, 10)))
      expect([...numbers]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    }
    expect(seven).toEqual([
      'CreateOrder',
      'Get_Order',
      'UpdateOrder',
      'Get_Order_After_Update',
      'CreateOrder_Repeat',
      'UpdateOrder_Repeat_Unversion',
      'UpdateOrder_Eq_Version',
    ])
  })
})

type Outcome = Readonly<{ title: string; holds: boolean }>

/** newman lists a step again for each request that its scripts send; a set lists it once. */
function assertionsOf({ executions }: Run): Outcome[] {
  return [...new Set(executions)].flatMap(({ item, assertions = [] }) =>
    assertions.map(({ assertion, error }) => ({
      title: `${item.name}: ${assertion}`,
      holds: error === undefined,
    })),
  )
}

function addressesIn({ item = [], request }: Item): string[] {
  return [...(request === undefined ? [] : [request.url.raw]), ...item.flatMap(addressesIn)]
}

/** Says what no step expects, in every header and member, and never the same twice. */
function contradict(): RequestListener {
  let answers = 0
  return (_request, response) => {
    answers += 1
    response.writeHead(418, {
      'Content-Type': 'text/plain',
      'Idempotent-Replayed': 'true',
      'Preference-Applied': 'handling=lenient',
      'Idempotency-Expires': `never ${answers}`,
      Location: '/nowhere',
      ETag: '"0-nothing"',
    })
    const members = { number: answers, status: 'nothing', message: 'no', version: -answers }
    response.end(JSON.stringify({ id: 'no UUID', items: [], nextCursor: 'more', ...members }))
  }
}

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
