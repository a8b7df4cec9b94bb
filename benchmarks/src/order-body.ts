/** A user of the load, from 0 to 999. */
export function userId(user: number): string {
  return `00000000-0000-4000-a000-${String(user).padStart(12, '0')}`
}

/** Whose an order is, as `create-order.lua` has it. */
export function userOf(number: number, isSkewed = false): number {
  if (!isSkewed) return number % 1000
  return number % 10 === 0 ? 0 : 1 + ((number - Math.floor(number / 10)) % 999)
}

/** The body that `create-order.lua` sends under a number. */
export function orderBody(number: number, user: number): string {
  return JSON.stringify({
    userId: userId(user),
    lines: [
      { sku: 'tea-1', quantity: 2, unitPrice: 1000 + (number % 9000) },
      { sku: 'cup-1', quantity: 1, unitPrice: 900 },
    ],
  })
}
