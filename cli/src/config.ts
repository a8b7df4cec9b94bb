import { fileURLToPath } from 'node:url'
import {
  cacheSettings,
  callerSettings,
  currencySettings,
  databaseUrl,
  dataSettings,
  kafkaSettings,
  limitSettings,
  listening,
  mailSettings,
  metricsSettings,
  readSettings,
  registerSettings,
  topicSettings,
} from '@semel/runtime'
import { type Static, Type } from 'typebox'

/** Everything that `semel start` can be told, by the names of its variables. */
export const configSchema = Type.Object({
  ...listening(8080),
  ...metricsSettings,
  ...dataSettings,
  DATABASE_URL: Type.Optional(databaseUrl('none is embedded then')),
  ...currencySettings,
  ...topicSettings,
  ...kafkaSettings,
  ...registerSettings,
  ...mailSettings,
  ...cacheSettings,
  ...callerSettings,
  ...limitSettings,
})

/** The configuration of the whole system. */
export type CliConfig = Readonly<Static<typeof configSchema>>

/**
 * Reads the configuration.
 *
 * @throws {ConfigError} `config-invalid`; without a way to know callers, also for every address
 * that other machines can reach.
 */
export function readCliConfig(env: Readonly<Record<string, string | undefined>>): CliConfig {
  return readSettings(configSchema, env)
}

/** Where the data goes: what was set, or `.semel` in the checkout, from wherever it is started. */
export function dataFolder({ SEMEL_DATA }: CliConfig): { folder: string; explicit: boolean } {
  const usual = fileURLToPath(new URL('../../.semel', import.meta.url))
  return { folder: SEMEL_DATA ?? usual, explicit: SEMEL_DATA !== undefined }
}
