import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

const root = new URL('..', import.meta.url).pathname
const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
const pages = listed.split('\n').filter((file) => file.endsWith('.md') && existsSync(root + file))

it('every link of a document within the repository leads somewhere', () => {
  const dead = pages.flatMap((page) => {
    const links = [...readFileSync(root + page, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)]
    return links
      .map(([, link]) => link!)
      .filter((link) => !/^\w+:/.test(link) && !leadsSomewhere(page, link))
      .map((link) => `${page}: ${link}`)
  })

  expect(dead).toEqual([])
})

it('every file that a table of the root’s documents names is there', () => {
  const named = ['ARCHITECTURE.md', 'SECURITY.md'].flatMap((page) =>
    [...readFileSync(root + page, 'utf8').matchAll(/`([\w-]+(?:\/[\w.-]+)+)`/g)].map(
      ([, at]) => at!,
    ),
  )
  const missing = named.filter((at) => /\/(src|test|migrations)\b|^test\//.test(at))

  expect(missing.filter((at) => !existsSync(join(root, at)))).toEqual([])
})

it('the picture of who imports whom shows every import, and no other', () => {
  const page = readFileSync(`${root}ARCHITECTURE.md`, 'utf8')
  const lines = [...page.matchAll(/^ {2}(\w+)(?:\[[^\]]*\])? --> (.+)$/gm)]
  const shown = lines.flatMap(([, from, to]) => to!.split(' & ').map((one) => `${from} ${one}`))

  expect(shown.toSorted()).toEqual(imports())
})

/** Every import of one room by another; benchmarks, simulation, parts and tests apart. */
function imports(): string[] {
  const sources = listed.split('\n').filter((file) => /(^|\/)src\/.*\.ts$/.test(file))
  const found = sources
    .filter((file) => !/^(benchmarks|simulation|parts)\//.test(file) && existsSync(root + file))
    .flatMap((file) => {
      const room = file.split('/src/')[0]!.split('/').at(-1)!
      const named = readFileSync(root + file, 'utf8').matchAll(/from '@semel\/([\w-]+)/g)
      return [...named].map(([, other]) => `${room} ${other}`)
    })
  return [...new Set(found)].sort()
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', heading] = link.split('#')
  const target = join(root, path === '' ? page : join(dirname(page), path))
  if (!existsSync(target)) return false
  return heading === undefined || headingsOf(target).includes(heading)
}

/** The names of a page's headings, as links write them. */
function headingsOf(page: string): string[] {
  const lines = readFileSync(page, 'utf8').split('\n')
  return lines
    .filter((line) => /^#+ /.test(line))
    .map((line) => line.replace(/^#+ /, '').toLowerCase())
    .map((title) => title.replaceAll(/[^\w\s-]/g, '').replaceAll(' ', '-'))
}
