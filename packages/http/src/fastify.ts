import type { Socket } from 'node:net'
import swagger from '@fastify/swagger'
import type { Scope } from '@semel/commands'
import { type ProblemContract, validate } from '@semel/contract'
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { Identify } from './callers.ts'
import { answerCommand, integerOf, mayActForInput, requestInvalid } from './command-route.ts'
import type { Face, MountedCommand, MountedQuery } from './face.ts'
import { isNoneMatch } from './preconditions.ts'
import { httpProblems, problemPage, type SentProblem, sentProblem } from './problems.ts'
import { commandSchema, querySchema } from './route-schema.ts'

/** What a server is made of, and its limits. */
export type ServerOptions = Readonly<{
  faces: readonly Face[]
  identify: Identify
  /** Whether a command would succeed now, and if not, why. */
  ready(): Promise<{ ready: boolean; faults: readonly string[] }>
  /** Told of every error that a client was answered 500 or 503 for. */
  report?: (error: unknown) => void
  /** Bytes of a body, at most. Default 65,536. */
  bodyBytesMax?: number
  /** How long headers may take to arrive, in milliseconds. Default 10,000. */
  headersTimeoutMs?: number
  /** How long a whole request may take to arrive, in milliseconds. Default 30,000. */
  requestTimeoutMs?: number
  /** The time a request is received at. Default: the clock of this process. */
  clock?: () => Date
}>

/** A server that is not listening yet. */
export type Server = Readonly<{
  /** Listens, and says on which port: 0 asks for a free one. */
  listen(address: { host: string; port: number }): Promise<{ port: number }>
  /** Answers a request without a socket, as tests want it. */
  inject: FastifyInstance['inject']
  /** Finishes what is in flight, closes idle connections, and stops listening. */
  close(): Promise<void>
}>

const headerBytesMax = 8192

/** Makes a server of faces: every contract a route, and nothing else but health and papers. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { bodyBytesMax = 65_536, headersTimeoutMs = 10_000, requestTimeoutMs = 30_000 } = options
  const app = Fastify({
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: 72_000,
    http: {
      maxHeaderSize: headerBytesMax,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, headersTimeoutMs),
    },
    routerOptions: { maxParamLength: 300 },
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket as Socket),
  })
  // Contracts validate, and answers are bytes already: schemas are here for OpenAPI alone.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
  readBodies(app)
  answerErrors(app, options.report ?? (() => {}))
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Semel',
        version: '1.0',
        description: 'Every command once, one answer for ever.',
      },
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      },
      security: [{ bearer: [] }, {}],
    },
  })
  app.after(() => mountAll(app, options))
  await app.ready()
  return {
    inject: app.inject.bind(app) as FastifyInstance['inject'],
    async listen({ host, port }) {
      await app.listen({ host, port })
      const address = app.server.address()
      return { port: typeof address === 'object' && address !== null ? address.port : port }
    },
    close: () => app.close(),
  }
}

function mountAll(app: FastifyInstance, options: ServerOptions): void {
  for (const { commands, queries } of options.faces) {
    for (const command of commands) mountCommand(app, command, options)
    for (const query of queries) mountQuery(app, query, options)
  }
  mountHealth(app, options)
  mountPapers(app, options.faces)
  allowMethods(app)
}

function mountCommand(app: FastifyInstance, command: MountedCommand, options: ServerOptions): void {
  const { contract } = command
  const { clock = () => new Date() } = options
  app.route({
    method: contract.method,
    url: fastifyPath(contract.path),
    schema: commandSchema(contract),
    async handler(request, reply) {
      const caller = await options.identify(request.headers.authorization)
      if (caller === undefined) return send(reply, unauthenticated)
      const asked = {
        params: request.params as Record<string, string>,
        query: request.query as Record<string, string>,
        headers: request.headers,
        body: request.body as Buffer | undefined,
        receivedAt: clock(),
      }
      const answer = await answerCommand(command, caller, asked, (url) => exists(app, url, request))
      return send(reply, answer)
    },
  })
}

function mountQuery(app: FastifyInstance, query: MountedQuery, { identify }: ServerOptions): void {
  app.route({
    method: 'GET',
    url: fastifyPath(query.contract.path),
    schema: querySchema(query.contract),
    async handler(request, reply) {
      const caller = await identify(request.headers.authorization)
      if (caller === undefined) return send(reply, unauthenticated)
      return send(reply, await answerQuery(query, caller, request))
    },
  })
}

async function answerQuery(
  { contract, answer }: MountedQuery,
  caller: Scope,
  request: FastifyRequest,
): Promise<SentProblem> {
  const given = { ...(request.query as object), ...(request.params as object) }
  const parameters = Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const wanted = Object.hasOwn(contract.parameters, name) && contract.parameters[name].type
      return [name, (wanted === 'integer' ? integerOf(value as string) : undefined) ?? value]
    }),
  )
  const faults = validate(contract.input, parameters)
  if (faults.length > 0) {
    const inPath = (pointer: string) => contract.inPath.includes(pointer.split('/')[1] ?? '')
    return requestInvalid(
      faults.map((fault) => ({ in: inPath(fault.pointer) ? 'path' : 'query', ...fault })),
    )
  }
  if (!mayActForInput(caller, parameters)) return sentProblem(httpProblems.forbidden)
  const answered = await answer(caller, parameters)
  if ('problem' in answered) {
    const known = [...contract.refusals, ...Object.values(httpProblems)]
    const problem = known.find(({ name }: ProblemContract) => name === answered.problem)
    if (problem === undefined)
      throw new TypeError(`${contract.name}: no problem ${answered.problem}`)
    return sentProblem(problem, answered.members)
  }
  const etag = contract.etag?.(answered.body)
  const headers = { 'cache-control': 'private, no-cache', ...(etag === undefined ? {} : { etag }) }
  if (etag !== undefined && isNoneMatch(request.headers['if-none-match'], etag)) {
    return { status: 304, headers, body: Buffer.alloc(0) }
  }
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: Buffer.from(JSON.stringify(answered.body)),
  }
}

function mountHealth(app: FastifyInstance, { ready }: ServerOptions): void {
  const hide = { schema: { hide: true } }
  app.get('/health/live', hide, async () => ({ status: 'live' }))
  app.get('/health/ready', hide, async (_, reply) => {
    const judged = await ready()
    reply.code(judged.ready ? 200 : 503).header('cache-control', 'no-store')
    return judged.ready ? { status: 'ready' } : { status: 'not ready', faults: judged.faults }
  })
}

/** The API's description, and a page for every problem. */
function mountPapers(app: FastifyInstance, faces: readonly Face[]): void {
  const hide = { schema: { hide: true } }
  const refusals = faces.flatMap(({ commands, queries }) =>
    [...commands, ...queries].flatMap(({ contract }) => contract.refusals),
  )
  const pages = new Map(
    [...Object.values(httpProblems), ...refusals].map((each) => [each.name, problemPage(each)]),
  )
  const plain = 'text/plain; charset=utf-8'
  app.get('/openapi.json', hide, async () => app.swagger())
  app.get('/problems', hide, async (_, reply) =>
    reply.type(plain).send(`${[...pages.keys()].sort().join('\n')}\n`),
  )
  app.get<{ Params: { name: string } }>('/problems/:name', hide, async (request, reply) => {
    const page = pages.get(request.params.name)
    return page === undefined ? send(reply, notFound) : reply.type(plain).send(page)
  })
}

/** A known path with another method is told which ones it has. */
function allowMethods(app: FastifyInstance): void {
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]!
    const allowed = methods.filter((method) => app.findRoute({ method, url: path }) !== null)
    const found = methods.filter((method) => hasRoute(app, method, path))
    const allow = [...new Set([...allowed, ...found])].join(', ')
    if (allow === '') return send(reply, notFound)
    return send(reply, sentProblem(httpProblems.methodNotAllowed, {}, { allow }))
  })
}

function hasRoute(app: FastifyInstance, method: string, path: string): boolean {
  return app.hasRoute({ method, url: path } as Parameters<FastifyInstance['hasRoute']>[0])
}

/** Bodies stay bytes: the contract's reader judges them, and fingerprints what was sent. */
function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    /^application\/json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i,
    { parseAs: 'buffer' },
    (request, body, done) => {
      const encoding = request.headers['content-encoding'] ?? 'identity'
      if (encoding.toLowerCase() === 'identity') done(null, body)
      else done(Object.assign(new Error('compressed'), { statusCode: 415 }))
    },
  )
}

function answerErrors(app: FastifyInstance, report: (error: unknown) => void): void {
  app.addHook('onRequest', async (_, reply) => {
    reply.header('x-content-type-options', 'nosniff')
  })
  app.setErrorHandler((error: FastifyError, _, reply) => {
    if (error.statusCode === 413) return send(reply, sentProblem(httpProblems.bodyTooLarge))
    if (error.statusCode === 415) return send(reply, sentProblem(httpProblems.mediaTypeUnsupported))
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return send(reply, requestInvalid([{ in: 'body', pointer: '', detail: 'cannot be read' }]))
    }
    report(error)
    return send(reply, sentProblem(httpProblems.internalError))
  })
}

/** What never became a request: answered on the bare socket. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const { status, headers, body } =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? sentProblem(httpProblems.headersTooLarge)
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? sentProblem(httpProblems.requestTimeout)
        : requestInvalid([{ in: 'header', pointer: '', detail: 'is not HTTP/1.1' }])
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `HTTP/1.1 ${status} Refused\r\n${lines.join('')}content-length: ${body.length}\r\n`
  if (socket.writable) socket.write(`${head}connection: close\r\n\r\n${body}`)
  socket.destroySoon()
}

/** Asks ourselves, as the caller would. */
async function exists(
  app: FastifyInstance,
  url: string,
  request: FastifyRequest,
): Promise<boolean> {
  const { authorization } = request.headers
  const headers = authorization === undefined ? {} : { authorization }
  return (await app.inject({ method: 'GET', url, headers })).statusCode === 200
}

function send(reply: FastifyReply, { status, headers, body }: SentProblem): FastifyReply {
  return reply
    .code(status)
    .headers({ 'cache-control': 'no-store', ...headers })
    .send(body)
}

function fastifyPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

const unauthenticated = sentProblem(
  httpProblems.unauthenticated,
  {},
  { 'www-authenticate': 'Bearer' },
)
const notFound = sentProblem(httpProblems.notFound)
