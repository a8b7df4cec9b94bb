import { type NotebookOptions, openNotebook } from './notebook.ts'
import { ann, bearer, bob, bySecret } from './tokens.ts'

export const noteId = '0193d5a1-6f00-7000-8000-000000000001'
export const otherId = '0193d5a1-6f00-7000-8000-000000000002'
export const day = 24 * 60 * 60 * 1000

/** A notebook whose callers are known by token, and how ann sends to it. */
export async function openWithCallers(options: NotebookOptions = {}) {
  const notebook = await openNotebook({ callers: bySecret, ...options })
  const tokens = { ann: await bearer(ann), bob: await bearer(bob) }
  const send =
    (method: 'POST' | 'PUT' | 'DELETE' | 'GET', url: string) =>
    async (
      headers: Record<string, string> = {},
      body?: unknown,
      authorization: string | undefined = tokens.ann,
    ) => {
      const response = await notebook.server.inject({
        method,
        url,
        headers: {
          ...(authorization === '' ? {} : { authorization }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined
          ? {}
          : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const name = response.headers['content-type']?.toString().startsWith('application/problem')
        ? (response.json().type as string).replace('/problems/', '')
        : undefined
      return Object.assign(response, { name })
    }
  const write = send('POST', '/notes')
  const rewrite = send('PUT', `/notes/${noteId}`)
  const erase = (query = '') => send('DELETE', `/notes/${noteId}${query}`)
  const get = send('GET', `/notes/${noteId}`)
  const milk = { id: noteId, userId: ann, text: 'milk' }
  return { ...notebook, tokens, send, write, rewrite, erase, get, milk }
}

/** The header field of an idempotency key. */
export const key = (text: string) => ({ 'idempotency-key': text })
