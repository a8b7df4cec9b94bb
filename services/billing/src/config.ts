import { type Static, Type } from '@semel/contract'
import { announcing } from '@semel/contracts/messages'
import { answeringSettings, serviceSettings } from '@semel/runtime'
import type { ServicePart } from '@semel/runtime/service'
import { createBilling, currencyInUse, migrations } from './service.ts'

const own = Type.Object(answeringSettings)

/** The service as a part of a process, and what it is configured by alone. */
export const billing: ServicePart<Static<typeof own>> = {
  name: 'billing',
  schema: Type.Object({ ...serviceSettings(8082), ...own.properties }),
  migrations,
  currencyInUse,
  create: ({ makeCache, sealOf, ...shared }, { SEMEL_CURRENCY: currency, REGISTER }) =>
    createBilling({
      ...{ ...shared, currency, announce: announcing(REGISTER, sealOf) },
      executor: { cache: makeCache() },
    }),
}
