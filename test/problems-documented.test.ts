import { readdirSync, readFileSync } from 'node:fs'
import type { ProblemContract } from '@semel/contract'
import * as billing from '@semel/contracts/billing'
import * as orders from '@semel/contracts/orders'
import * as shopProblems from '@semel/contracts/problems'
import { httpProblems } from '@semel/http'
import { describe, expect, it } from 'vitest'

const root = new URL('..', import.meta.url)
const ofHttp = Object.entries(httpProblems) as [string, ProblemContract][]
const ofContracts = Object.values(shopProblems).filter(isProblem)
const contracts = [billing, orders].flatMap((file) => Object.values(file)) as {
  method?: string
  refusals?: ProblemContract[]
}[]
const page = readFileSync(new URL('docs/problems.md', root), 'utf8')

describe('docs/problems.md', () => {
  it('says of every problem what the code says of it, and of no other', () => {
    const declared = [...ofHttp.map(([, problem]) => problem), ...ofContracts]
      .toSorted(
        (one, other) => one.statuses[0] - other.statuses[0] || (one.name < other.name ? -1 : 1),
      )
      .map(rowOf)
    const documented = page.split('\n').filter((line) => line.startsWith('| `'))

    expect(documented).toEqual(declared)
  })

  it('lists no problem of HTTP that HTTP never answers with', () => {
    const source = sourceOf('packages/http/src', (file) => file !== 'problems.ts')
    const unused = ofHttp.filter(([name]) => !new RegExp(`\\b${name}\\b`).test(source))
    const inItsOwnFile = readFileSync(new URL('packages/http/src/problems.ts', root), 'utf8')
    const answeredThere = (name: string) => inItsOwnFile.includes(`problem: ${name}`)

    expect(unused.map(([name]) => name).filter((name) => !answeredThere(name))).toEqual([])
  })

  it('lists no problem of a contract that no contract declares and no decider refuses with', () => {
    const services = ['services/billing/src', 'services/orders/src']
    const deciders = services.map((folder) => sourceOf(folder, () => true)).join('\n')
    const refusals = contracts.flatMap(({ refusals: some = [] }) => some)
    const unused = ofContracts.filter(
      (problem) => !refusals.includes(problem) || !deciders.includes(`'${problem.name}'`),
    )

    expect(unused.map(({ name }) => name)).toEqual([])
  })

  it('calls recorded just those that deciders refuse with', () => {
    const commands = contracts.filter(({ method }) => method !== undefined)
    const refused = new Set(commands.flatMap(({ refusals = [] }) => refusals))

    expect(ofContracts.filter((problem) => problem.recorded !== refused.has(problem))).toEqual([])
    expect(ofHttp.filter(([, problem]) => problem.recorded)).toEqual([])
  })
})

function rowOf({ name, statuses, title, recorded, explanation }: ProblemContract): string {
  const cells = [`\`${name}\``, statuses.join(', '), title, recorded ? 'yes' : 'no', explanation]
  return `| ${cells.join(' | ')} |`
}

function isProblem(value: unknown): value is ProblemContract {
  return typeof value === 'object' && value !== null && 'statuses' in value
}

function sourceOf(folder: string, wanted: (file: string) => boolean): string {
  const files = readdirSync(new URL(`${folder}/`, root)).filter((file) => file.endsWith('.ts'))
  return files
    .filter(wanted)
    .map((file) => readFileSync(new URL(`${folder}/${file}`, root), 'utf8'))
    .join('\n')
}
