/** What the page shows. */
export type StartPage = Readonly<{
  url: string
  /** How users call the database. */
  database: string
  /** Whether callers need a token. */
  knowsCallers: boolean
}>

/** The running system on one page: its addresses, and one request to try. */
export function startPage({ url, database, knowsCallers }: StartPage): string {
  const rows = [
    ['orders', `${url}/orders`],
    ['accounts', `${url}/accounts`],
    ['notifications', `${url}/notifications`],
    ['messages', `${url}/messages/{guid}`],
    ['OpenAPI', `${url}/openapi.json`],
    ['problems', `${url}/problems`],
    ['health', `${url}/health/ready`],
    ['database', database],
    ['callers', knowsCallers ? 'by token' : 'one, local/operator: only this machine can connect'],
  ]
  const body = {
    userId: '7f1c4a52-9f0e-4c8e-a7d1-2b6f0c9d4e10',
    lines: [{ sku: 'book', quantity: 1, unitPrice: 1990 }],
  }
  return [
    '',
    'Semel is ready.',
    '',
    ...rows.map(([name = '', value]) => `  ${name.padEnd(14)} ${value}`),
    '',
    'Try this, twice: there will be one order, and the same answer.',
    '',
    `  curl -i ${url}/orders \\`,
    ...(knowsCallers ? ['    -H "Authorization: Bearer $TOKEN" \\'] : []),
    "    -H 'Idempotency-Key: my-first-order' \\",
    "    -H 'Content-Type: application/json' \\",
    `    -d '${JSON.stringify(body)}'`,
    '',
    'Ctrl-C stops it.',
    '',
  ].join('\n')
}
