import { Type } from 'typebox'
import { closed, flag, object, text } from './kinds.ts'
import { pullSecretsOf, registryOf } from './pod-values.ts'
import { allVariables, type Variable, variablesOf } from './settings.ts'

// What charts pass on to processes, each by itself and all together.

const secretReference = Type.Object(
  { name: Type.String(), key: Type.String({ minLength: 1 }) },
  closed,
)

/** What charts of one installation are told together; `usual`: unless told otherwise. */
export function globalOf(usual: Readonly<{ settings: object; secrets: object }>) {
  const { settings, secrets } = allVariables()
  const semel = object('Told to all charts of Semel; what a chart is told itself comes before it', {
    image: object('Where images are', {
      registry: text('The registry of our images', '', registryOf),
      pullSecrets: pullSecretsOf('Secrets with the credentials of registries, for all pods'),
    }),
    generateSecrets: flag(
      'Whether passwords and secrets that nobody names are made, where the cluster has none yet; ' +
        'false where no cluster is asked, as by Argo CD: each rendering would make new ones',
      true,
    ),
    settings: {
      ...settingsOf(settings, 'Variables of docs/configuration.md'),
      default: usual.settings,
    },
    secrets: {
      ...secretsOf(secrets, 'Variables whose values are in Secrets'),
      default: usual.secrets,
    },
  })
  return Type.Object({ semel }, { description: 'Shared by all charts' })
}

export const global = globalOf({ settings: {}, secrets: {} })

export function variablesIn(chart: string) {
  const { settings, secrets } = variablesOf(chart)
  return {
    settings: settingsOf(
      settings,
      'Variables of docs/configuration.md; texts may be templates, empty ones unset global ones',
    ),
    secrets: secretsOf(
      secrets,
      'Variables whose values are in Secrets of this namespace, NAME: {name: …, key: …}; ' +
        'empty names unset global ones',
    ),
  }
}

function settingsOf(variables: readonly Variable[], description: string) {
  const properties = variables.map(({ name, schema }) => [name, Type.Optional(Type.Unsafe(schema))])
  return { ...object(description, Object.fromEntries(properties)), default: {} }
}

function secretsOf(variables: readonly Variable[], description: string) {
  const properties = variables.map(({ name, schema }) => [
    name,
    Type.Optional({ ...secretReference, ...schema }),
  ])
  return { ...object(description, Object.fromEntries(properties)), default: {} }
}
