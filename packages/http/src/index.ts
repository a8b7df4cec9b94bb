export {
  type CallerOptions,
  createIdentify,
  type Identified,
  type Identify,
  KeysUnavailable,
} from './callers.ts'
export {
  type Answer,
  type Headers,
  headerOf,
  jsonAnswer,
  type Refusal,
  type Request,
  type RequestFault,
  refusalAnswer,
} from './exchange.ts'
export type {
  AnsweredQuery,
  Face,
  Forward,
  MountedCommand,
  MountedQuery,
  QueryAnswer,
} from './face.ts'
export { createServer, type Server, type ServerOptions } from './fastify.ts'
export type { Route } from './mount.ts'
export type { RequestObserver } from './observer.ts'
export { type OpenApiDocument, openApiDocument } from './open-api.ts'
export { answerPage, type PageParts } from './page.ts'
export { httpProblems, notNow } from './problems.ts'
export type { RateLimitOptions } from './rate-limit.ts'
export type { Publish } from './receipt.ts'
export type { Readiness } from './server-routes.ts'
export { createService, mountQuery, type Service, type ServiceOptions } from './service.ts'
