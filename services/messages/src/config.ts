import { type Static, Type } from '@semel/contract'
import { sealSettings, serviceSettings } from '@semel/runtime'
import type { ServicePart } from '@semel/runtime/service'
import { createMessages, migrations } from './service.ts'

const own = Type.Object(sealSettings)

/** The service as a part of a process, and what it is configured by alone. */
export const messages: ServicePart<Static<typeof own>> = {
  name: 'messages',
  schema: Type.Object({ ...serviceSettings(8084), ...own.properties }),
  migrations,
  create: (shared, { SEAL_SECRET: sealSecret }) => createMessages({ ...shared, sealSecret }),
}
