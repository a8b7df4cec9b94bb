/** What the page shows. */
export type StartPage = Readonly<{
  url: string
  /** The services that run here. */
  services: readonly string[]
  /** Where its metrics are; undefined where they are not shown. */
  metrics: string | undefined
  /** How users call the database. */
  database: string
  /** Whether callers need a token. */
  knowsCallers: boolean
}>

/** What each service shows, by what, and where. */
const lists: Readonly<Record<string, readonly [name: string, path: string]>> = {
  orders: ['orders', '/orders'],
  billing: ['accounts', '/accounts'],
  notifications: ['notifications', '/notifications'],
  messages: ['messages', '/messages/{guid}'],
}

/** The running system on one page: its addresses, and one request to try. */
export function startPage({ url, services, metrics, database, knowsCallers }: StartPage): string {
  const rows = [
    ...services.map((name) => lists[name] ?? [name, '']).map(([name, path]) => [name, url + path]),
    ['OpenAPI', `${url}/openapi.json`],
    ['problems', `${url}/problems`],
    ['health', `${url}/health/ready`],
    ...(metrics === undefined ? [] : [['metrics', metrics]]),
    ['database', database],
    ['callers', knowsCallers ? 'by token' : 'one, local/operator: only this machine can connect'],
  ]
  return [
    '',
    'Semel is ready.',
    '',
    ...rows.map(([name = '', value]) => `  ${name.padEnd(14)} ${value}`),
    '',
    ...(services.includes('orders') ? firstOrder(url, knowsCallers) : []),
    'Ctrl-C stops it.',
    '',
  ].join('\n')
}

function firstOrder(url: string, knowsCallers: boolean): string[] {
  const body = {
    userId: '7f1c4a52-9f0e-4c8e-a7d1-2b6f0c9d4e10',
    lines: [{ sku: 'book', quantity: 1, unitPrice: 1990 }],
  }
  return [
    'Try this, twice: there will be one order, and the same answer.',
    '',
    `  curl -i ${url}/orders \\`,
    ...(knowsCallers ? ['    -H "Authorization: Bearer $TOKEN" \\'] : []),
    "    -H 'Idempotency-Key: my-first-order' \\",
    "    -H 'Content-Type: application/json' \\",
    `    -d '${JSON.stringify(body)}'`,
    '',
  ]
}
