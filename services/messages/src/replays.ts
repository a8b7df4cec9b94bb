import {
  guidsIn,
  macHeader,
  registeredBytesMax,
  replaysPath,
} from '@semel/commands/registry-protocol'
import { headerOf, httpProblems, jsonAnswer, type Route, refusalAnswer } from '@semel/http'
import type { Queryable } from '@semel/postgres'
import { findAnswers } from './sql.ts'

/**
 * What executors ask, and no client: the answers to requests of whomever. Who has the secret is one
 * of us. What they get is sealed, so that they need not believe this table.
 */
export function replayRoute(db: Queryable, secret: string): Route {
  return {
    method: 'POST',
    path: replaysPath,
    async answer({ headers, body = Buffer.alloc(0) }) {
      const guids = guidsIn(secret, body, headerOf(headers, macHeader))
      if (guids === undefined) return refusalAnswer({ problem: httpProblems.unauthenticated })
      const answers = await findAnswers(db, { guids, bytesMax: registeredBytesMax })
      return jsonAnswer(200, { answers }, { 'cache-control': 'no-store' })
    },
  }
}
