import { Type } from '@semel/contract'
import { serviceSettings } from '@semel/runtime'
import type { ServicePart } from '@semel/runtime/service'
import { createMessages, migrations } from './service.ts'

/** The service as a part of a process, and what it is configured by alone. */
export const messages: ServicePart = {
  name: 'messages',
  schema: Type.Object(serviceSettings(8084)),
  migrations,
  create: (shared) => createMessages(shared),
}
