import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { printedFiles } from '../src/files.ts'

const parts = ['postgres', 'redis', 'kafka']
const { version } = JSON.parse(read('../package.json'))

it.each([...printedFiles()])('%s is as it is printed: npm run charts', (file, text) => {
  expect(read(file)).toBe(text)
})

it('every chart is of the version of the release, and so is what it installs', () => {
  const charts = readdirSync(new URL('..', import.meta.url), { recursive: true, encoding: 'utf8' })
    .filter((file) => /^[a-z]+\/Chart\.yaml$/.test(file))
    .map((file) => parse(read(file)))
  const others = charts.filter(({ name, dependencies = [], ...chart }) => {
    const { appVersion = version } = chart
    const tag = parts.includes(name) ? parse(read(`${name}/values.yaml`)).image.tag : version
    const versions = [chart, ...dependencies].map((one) => one.version)
    return versions.some((one) => one !== version) || tag.split('-')[0] !== appVersion
  })

  expect(charts).toHaveLength(11)
  expect(others).toEqual([])
})

function read(file: string): string {
  return readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
}
