import type { AddressInfo, Socket } from 'node:net'
import type { ProblemContract } from '@semel/contract'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { answerClientError, answerExpectation, answerToHost } from './bare-answers.ts'
import type { Identify } from './callers.ts'
import { type Answer, type Refusal, type Request, refusalAnswer } from './exchange.ts'
import type { Face } from './face.ts'
import { type Admission, matches, mountFace, type Route } from './mount.ts'
import { nextTurn } from './next-turn.ts'
import type { RequestObserver } from './observer.ts'
import { openApiDocument } from './open-api.ts'
import {
  bodyTooLarge,
  httpProblems,
  internalError,
  invalid,
  mediaTypeUnsupported,
  methodNotAllowed,
  notFound,
  notNow,
} from './problems.ts'
import { createRateLimit, type RateLimitOptions, unlimited } from './rate-limit.ts'
import type { Publish } from './receipt.ts'
import { requestIdOf } from './request-id.ts'
import { type Readiness, serverRoutes } from './server-routes.ts'
import { watchUnfinished } from './unfinished.ts'

/** What a server is made of, and its limits. */
export type ServerOptions = Readonly<{
  faces: readonly Face[]
  identify: Identify
  /** Asked by `GET /health/ready`. */
  ready: Readiness
  /**
   * Takes the commands that are asked for with `Prefer: respond-async` and whose contract has a
   * topic. Default: the preference is not applied, and every client waits for its answer.
   */
  publish?: Publish
  /** What each caller may ask for. Default: anything. */
  rateLimit?: RateLimitOptions | undefined
  /** What is served besides, for other services, in no document. Default: nothing. */
  internalRoutes?: readonly Route[]
  /** Told of every bug that a request met. Default: written to stderr. */
  report?: (error: unknown) => void
  /** Told of every request that was answered, to be counted. Default: nobody is. */
  observe?: RequestObserver | undefined
  /** The time requests are received at. Default: the clock of this process. */
  clock?: () => Date
  /** How long a whole request may take to arrive, in milliseconds. Default 30,000. */
  requestTimeoutMs?: number
  /** How long its headers may take, in milliseconds. Default 10,000. */
  headersTimeoutMs?: number
  /** How often these limits are looked after, in milliseconds. Default 1,000. */
  timeoutCheckMs?: number
  /** How long a connection may idle, in milliseconds. Default 72,000: longer than a balancer's. */
  keepAliveTimeoutMs?: number
}>

/** A server with every face mounted. */
export interface Server {
  /** The routes that were mounted, for those who list them. */
  readonly routes: readonly Pick<Route, 'method' | 'path'>[]
  /** Starts to listen; resolves to the port, which is a free one for port 0. */
  listen(address: Readonly<{ host: string; port: number }>): Promise<{ port: number }>
  /** Answers a request without a socket, as tests want it. */
  inject: FastifyInstance['inject']
  /**
   * Takes no more connections, answers what is in flight, closes what idles, and resolves. Clients
   * that have not finished asking get a second to do so.
   */
  close(): Promise<void>
}

declare module 'fastify' {
  interface FastifyRequest {
    admission: Admission | undefined
  }
  interface FastifyContextConfig {
    path?: string
  }
}

const bodyBytesMax = 64 * 1024
const headerBytesMax = 8 * 1024
/** How long a server that closes waits for the rest of requests that have begun. */
const unfinishedGraceMs = 1000

/**
 * Makes a server: every command and query of the faces at its address, the OpenAPI document at
 * `/openapi.json`, a page for every problem under `/problems`, and health under `/health`. Bodies
 * have at most 64 KiB, request line and headers 8 KiB.
 *
 * @throws when two contracts claim one address, or two problems one name.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { faces, internalRoutes = [] } = options
  const { clock = () => new Date(), report = reportToStderr } = options
  const problems = problemsOf(faces)
  const document = openApiDocument(faces, { publishes: options.publish !== undefined })
  // Most commands of the CLI declare services and serve none: without, they start a third sooner.
  const { default: fastify } = await import('fastify')
  const app = createApp(fastify, options, report)
  if (options.observe !== undefined) addObserver(app, options.observe)
  const context = {
    identify: options.identify,
    limit: options.rateLimit === undefined ? unlimited : createRateLimit(options.rateLimit),
    clock,
    publish: options.publish,
    report,
    async exists(path: string, authorization: string | undefined) {
      const headers = authorization === undefined ? {} : { authorization }
      return (await app.inject({ method: 'GET', url: path, headers })).statusCode === 200
    },
  }
  const routes = [
    ...faces.flatMap((face) => mountFace(face, context)),
    ...serverRoutes({ ready: options.ready, document, problems }),
    ...internalRoutes,
  ]
  for (const route of routes) addRoute(app, route)
  addRefusals(app, routes, report)
  await app.ready()
  const { closeUnfinished } = watchUnfinished(app.server)
  return {
    routes,
    async listen(address) {
      await app.listen(address)
      return { port: (app.server.address() as AddressInfo).port }
    },
    inject: app.inject.bind(app) as FastifyInstance['inject'],
    async close() {
      const timer = setTimeout(closeUnfinished, unfinishedGraceMs)
      await app.close()
      clearTimeout(timer)
    },
  }
}

function createApp(
  fastify: typeof import('fastify').default,
  options: ServerOptions,
  report: (error: unknown) => void,
): FastifyInstance {
  const { headersTimeoutMs = 10_000, timeoutCheckMs = 1000 } = options
  const { requestTimeoutMs = 30_000, keepAliveTimeoutMs = 72_000 } = options
  const app = fastify({
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    trustProxy: false,
    genReqId: requestIdOf,
    forceCloseConnections: 'idle',
    // What arrives while we drain is answered like anything else, on a connection that then closes.
    return503OnClosing: false,
    routerOptions: { maxParamLength: headerBytesMax },
    clientErrorHandler: (error, socket) => answerClientError(error, socket as Socket),
    frameworkErrors: (error, _request, reply) => send(reply, refusalAnswer(whyNot(error, report))),
    http: {
      // Else Node keeps the first of two `Authorization` or `Content-Type`, and drops the other.
      joinDuplicateHeaders: true,
      requireHostHeader: false,
      maxHeaderSize: headerBytesMax,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: timeoutCheckMs,
    },
  })
  app.server.on('checkExpectation', answerExpectation)
  app.addHook('onRequest', (request, reply, done) => {
    const refused = answerToHost(request.raw)
    if (refused === undefined) done()
    else send(reply, refused)
  })
  app.decorateRequest('admission', undefined)
  app.removeAllContentTypeParsers()
  // Bodies stay bytes: routes judge media type and syntax, in the order that contracts promise.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
  })
  app.addHook('onSend', (request, reply, payload, done) => {
    reply.header('x-request-id', request.id)
    if (isClosing) reply.header('connection', 'close')
    done(null, payload)
  })
  return app
}

function addObserver(app: FastifyInstance, observe: RequestObserver): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { path } = request.routeOptions.config
    observe.requestAnswered(request.method, path, reply.statusCode, reply.elapsedTime / 1000)
    done()
  })
}

function addRoute(app: FastifyInstance, route: Route): void {
  const { admit } = route
  app.route<{ Params: Request['params']; Querystring: Request['query']; Body: Buffer | undefined }>(
    {
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      config: { path: route.path },
      ...(admit === undefined ? {} : { onRequest: admission(admit) }),
      handler: async (request, reply) => {
        await nextTurn()
        return send(reply, await route.answer(request, request.admission))
      },
    },
  )
}

/** Lets a request in before its body is read, or answers it. */
function admission(admit: NonNullable<Route['admit']>) {
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => {
    const take = (found: Answer | Admission) => {
      if ('status' in found) return void send(reply, found)
      request.admission = found
      done()
    }
    const found = admit(request.headers)
    if (found instanceof Promise) found.then(take, done)
    else take(found)
  }
}

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  return reply.code(status).header('x-content-type-options', 'nosniff').headers(headers).send(body)
}

/** Answers whatever no route answers. */
function addRefusals(
  app: FastifyInstance,
  routes: readonly Route[],
  report: (error: unknown) => void,
): void {
  app.setErrorHandler((error, request, reply) => {
    const { code } = error as FastifyError
    // The rest of the body is read and dropped: a connection that is closed while bytes come is
    // reset, and the client, or a proxy before it, may lose the answer.
    if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') reply.removeHeader('connection')
    // A method that the framework knows, and that needs a body it was not told the type of.
    return code === 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE'
      ? noRoute(request, reply)
      : send(reply, refusalAnswer(whyNot(error as FastifyError, report)))
  })
  app.setNotFoundHandler(noRoute)

  function noRoute(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const path = request.url.split('?', 1)[0]!
    const methods = routes.filter((route) => matches(route.path, path)).map(({ method }) => method)
    if (methods.length === 0) return send(reply, refusalAnswer({ problem: notFound }))
    const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    const headers = { allow: allow.sort().join(', ') }
    return send(reply, refusalAnswer({ problem: methodNotAllowed, headers }))
  }
}

/** What the framework has against a request, in our words; anything else is a bug. */
function whyNot(error: FastifyError, report: (error: unknown) => void): Refusal {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return { problem: bodyTooLarge }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return { problem: mediaTypeUnsupported }
    // The client went away amid its body: nobody reads this.
    case 'ECONNRESET':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return invalid([{ in: 'body', pointer: '', detail: 'is not as long as it is said to be' }])
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return invalid([{ in: 'path', pointer: '', detail: 'is not a path' }])
  }
  report(error)
  if (error.code === 'unavailable') return notNow('none')
  return { problem: internalError }
}

/**
 * Every problem that a server of these faces can answer with, once.
 *
 * @throws TypeError when two of them have one name, and so one page.
 */
function problemsOf(faces: readonly Face[]): readonly ProblemContract[] {
  const contracts = faces.flatMap(({ commands, queries }) => [...commands, ...queries])
  const refusals = contracts.flatMap(({ contract }) => contract.refusals)
  const problems = [...new Set([...Object.values(httpProblems), ...refusals])]
  const names = problems.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new TypeError(`"${twice}" names two problems`)
  return problems
}

function reportToStderr(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`${text}\n`)
}
