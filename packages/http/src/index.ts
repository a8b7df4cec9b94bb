export { type CallerOptions, createIdentify, type Identify } from './callers.ts'
export type { Face, MountedCommand, MountedQuery, QueryAnswer } from './face.ts'
export { createServer, type Server, type ServerOptions } from './fastify.ts'
export { httpProblems } from './problems.ts'
