import type { ProblemContract } from '@semel/contract'
import { type Answer, jsonAnswer, refusalAnswer } from './exchange.ts'
import type { Route } from './mount.ts'
import { notFound } from './problems.ts'

/** Whether a command would succeed, and if not, for want of what. */
export type Readiness = () => Promise<Readonly<{ ready: boolean; faults: readonly string[] }>>

/** What every server shows besides its faces, to everybody. */
export interface ServerPages {
  readonly ready: Readiness
  /** The OpenAPI document. */
  readonly document: object
  readonly problems: readonly ProblemContract[]
}

/** The routes that need no token: health, the OpenAPI document, and a page for every problem. */
export function serverRoutes({ ready, document, problems }: ServerPages): readonly Route[] {
  const written = JSON.stringify(document)
  const pages = new Map(problems.map((problem) => [problem.name, pageOf(problem)]))
  const list = problems.map(({ name, title }) => `/problems/${name}  ${title}\n`).join('')
  return [
    { method: 'GET', path: '/health/live', answer: () => fresh(200, { status: 'live' }) },
    {
      method: 'GET',
      path: '/health/ready',
      async answer() {
        const { ready: isReady, faults } = await ready()
        return isReady
          ? fresh(200, { status: 'ready' })
          : fresh(503, { status: 'not ready', faults })
      },
    },
    {
      method: 'GET',
      path: '/openapi.json',
      answer: () => ({
        status: 200,
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: written,
      }),
    },
    { method: 'GET', path: '/problems', answer: () => plain(list) },
    {
      method: 'GET',
      path: '/problems/{name}',
      answer({ params: { name = '' } }) {
        const page = pages.get(name)
        return page === undefined ? refusalAnswer({ problem: notFound }) : plain(page)
      },
    },
  ]
}

function fresh(status: number, body: object): Answer {
  return jsonAnswer(status, body, { 'cache-control': 'no-store' })
}

function plain(body: string): Answer {
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body }
}

function pageOf({ name, title, statuses, recorded, explanation }: ProblemContract): string {
  const kept = recorded
    ? 'It is an answer like any other: every repeat with the same key gets it again.'
    : 'It is not recorded: the same request may be answered otherwise later.'
  return `${name} (${statuses.join(', ')})\n${title}\n\n${explanation}\n\n${kept}\n`
}
