import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { configSchema } from '../src/config.ts'

type Property = Readonly<{ default?: string | number; description: string }>

it('documents every variable with its default and its meaning, and no other', () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
  const documented = page.split('\n').filter((line) => line.startsWith('| `'))
  const properties = Object.entries(configSchema.properties) as unknown as [string, Property][]
  const declared = properties.map(([name, { default: usual, description }]) =>
    ['', `\`${name}\``, usual ?? '', description, ''].join(' | ').replaceAll('|  |', '| |').trim(),
  )

  expect(documented).toEqual(declared)
})
