import type { Load } from './load.ts'

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
    body: orderBody(number),
  })
  const mark = response.headers.get('idempotent-replayed')
  return `${response.status} ${mark} ${await response.text()}`
}

/** The body that `create-order.lua` sends under a number. */
function orderBody(number: number): string {
  return JSON.stringify({
    userId: `00000000-0000-4000-a000-${String(number % 1000).padStart(12, '0')}`,
    lines: [
      { sku: 'tea-1', quantity: 2, unitPrice: 1000 + (number % 9000) },
      { sku: 'cup-1', quantity: 1, unitPrice: 900 },
    ],
  })
}
