import {
  type CallerOptions,
  createIdentify,
  createServer,
  type Face,
  type Route,
} from '@semel/http'
import { onTestFinished } from 'vitest'

/** Serves a face in this process until the test is over; resolves to its address. */
export async function serve(
  face: Face,
  options: Readonly<{
    callers?: CallerOptions
    clock?: () => Date
    report?: (error: unknown) => void
    internalRoutes?: readonly Route[]
  }> = {},
): Promise<string> {
  const { callers = { kind: 'none' }, ...more } = options
  const server = await createServer({
    faces: [face],
    identify: createIdentify(callers),
    ready: async () => ({ ready: true, faults: [] }),
    ...more,
  })
  onTestFinished(() => server.close())
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  return `http://127.0.0.1:${port}`
}
