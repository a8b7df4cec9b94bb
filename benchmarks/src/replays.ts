import type { Load } from './load.ts'
import { orderBody, userOf } from './order-body.ts'

const sampleSize = 20

/** Repeats some creates of a load; says where the answer is not marked, or not always the same. */
export async function replayFaults({ port, run, keys }: Load): Promise<string[]> {
  const numbers = Array.from({ length: sampleSize }, (_, index) => (index * 37) % keys)
  const faults: string[] = []
  for (const number of numbers) {
    const [first, second] = [await repeat(port, run, number), await repeat(port, run, number)]
    if (first !== second) faults.push(`repeats of ${run}-${number} differ: ${first}, ${second}`)
    if (!first.startsWith('201 true ')) faults.push(`no replay of ${run}-${number}: ${first}`)
  }
  return faults
}

async function repeat(port: number, run: string, number: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': `${run}-${number}` },
    body: orderBody(number, userOf(number)),
  })
  const mark = response.headers.get('idempotent-replayed')
  return `${response.status} ${mark} ${await response.text()}`
}
