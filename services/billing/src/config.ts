import { type Static, Type } from '@semel/contract'
import { announcements } from '@semel/contracts/messages'
import { cacheSettings, currencySettings, registerSettings, serviceSettings } from '@semel/runtime'
import type { ServicePart } from '@semel/runtime/service'
import { createBilling, currencyInUse, migrations } from './service.ts'

const own = Type.Object({ ...currencySettings, ...registerSettings, ...cacheSettings })

/** The service as a part of a process, and what it is configured by alone. */
export const billing: ServicePart<Static<typeof own>> = {
  name: 'billing',
  schema: Type.Object({ ...serviceSettings(8082), ...own.properties }),
  migrations,
  currencyInUse,
  create: ({ makeCache, ...shared }, { SEMEL_CURRENCY: currency, REGISTER }) =>
    createBilling({
      ...{ ...shared, currency, announce: announcements[REGISTER] },
      executor: { cache: makeCache() },
    }),
}
