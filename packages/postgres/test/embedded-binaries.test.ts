import { chmod, cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { findBinaries, majorOf, spareRoot, usableBinaries } from '../src/embedded/binaries.ts'
import { runProgram } from '../src/embedded/processes.ts'

vi.setConfig({ testTimeout: 60_000 })

const isRoot = process.getuid?.() === 0
const nobody = { uid: 65_534, gid: 65_534 }

test('the binaries of this platform are found, and are of version 18', async () => {
  expect(majorOf(await findBinaries())).toBe('18')
})

test('an installation without optional packages is told what to run', async () => {
  const found = findBinaries({ platform: process.platform, arch: 's390x' })

  await expect(found).rejects.toMatchObject({
    code: 'binaries-missing',
    message: expect.stringContaining('npm ci'),
  })
})

test('a platform without binaries is told of DATABASE_URL', async () => {
  const found = findBinaries({ platform: 'win32', arch: 'x64' })

  await expect(found).rejects.toMatchObject({
    code: 'platform-not-supported',
    message: expect.stringContaining('DATABASE_URL'),
  })
})

test('an installation whose install script was blocked is completed', async () => {
  const copy = await copyOfBinaries(0o755)
  const links: { target: string }[] = JSON.parse(
    await readFile(join(copy.folder, 'pg-symlinks.json'), 'utf8'),
  )
  for (const { target } of links) await rm(join(copy.folder, '..', target))
  expect((await run(copy.folder)).succeeded).toBe(false)

  const usable = await usableBinaries(copy, undefined, () => {})

  expect(usable).toEqual(copy)
  expect((await run(usable.folder)).succeeded).toBe(true)
})

test('binaries that do not run here are an error that says so', async () => {
  const copy = await copyOfBinaries(0o755)
  await rm(join(copy.folder, 'lib'), { recursive: true })
  await cp(import.meta.filename, join(copy.folder, 'lib', 'nothing'))
  await rm(join(copy.folder, 'pg-symlinks.json'))

  await expect(usableBinaries(copy, undefined, () => {})).rejects.toMatchObject({
    code: 'binaries-unusable',
  })
})

test('binaries that the server’s user cannot reach are copied once', async (context) => {
  if (!isRoot) context.skip('only root starts the server as somebody else')
  const closed = { ...(await copyOfBinaries(0o700)), version: '18.0.0-test' }
  const target = join(spareRoot, 'postgresql-18.0.0-test')
  onTestFinished(() => rm(target, { recursive: true, force: true }))
  const lines: string[] = []

  const first = await usableBinaries(closed, nobody, (line) => lines.push(line))
  const madeAt = (await stat(target)).ino
  const second = await usableBinaries(closed, nobody, (line) => lines.push(line))

  expect(first).toEqual({ folder: target, version: closed.version })
  expect(second).toEqual(first)
  expect((await stat(target)).ino).toBe(madeAt)
  expect(lines).toHaveLength(1)
  expect((await readdir(spareRoot)).filter((name) => name.startsWith('postgresql-18.0.0'))).toEqual(
    ['postgresql-18.0.0-test'],
  )
})

async function copyOfBinaries(mode: number) {
  const root = await mkdtemp(join(tmpdir(), 'semel-binaries-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  await chmod(root, mode)
  const found = await findBinaries()
  const folder = join(root, 'native')
  await cp(found.folder, folder, { recursive: true, verbatimSymlinks: true })
  return { folder, version: found.version }
}

function run(folder: string) {
  return runProgram(join(folder, 'bin', 'postgres'), ['--version'], undefined)
}
