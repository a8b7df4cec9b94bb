import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { charts, describeWithHelm, folder, helm, render, run } from './helm.ts'
import type { Manifest } from './manifests.ts'

// Charts as they are given away: each as one archive that needs no clone.

describeWithHelm('the package of', () => {
  const packages = mkdtempSync(join(tmpdir(), 'semel-packages-'))
  const archive = (chart: string) => join(packages, `${chart}-0.1.0.tgz`)

  beforeAll(async () => {
    await helm(['package', '--destination', packages, ...charts.map((chart) => `./${chart}`)])
  })

  afterAll(() => rmSync(packages, { recursive: true }))

  it.each(charts)(
    '%s has all files of its folder, and of those that it links to',
    async (chart) => {
      const unpacked = mkdtempSync(join(packages, 'unpacked-'))
      await run('tar', ['-xzf', archive(chart), '-C', unpacked])

      expect(filesIn(join(unpacked, chart))).toEqual(filesIn(join(folder, chart)))
    },
  )

  it.each(charts.filter((chart) => chart !== 'service'))(
    '%s becomes what its folder becomes',
    async (chart) => {
      const [packed, linked] = [await render({ chart: archive(chart) }), await render({ chart })]

      expect(withoutPasswords(packed)).toEqual(withoutPasswords(linked))
    },
  )
})

/** The paths of files below a folder, through links, each of which has to lead to something. */
function filesIn(directory: string): readonly string[] {
  return readdirSync(directory)
    .flatMap((name) => {
      const path = join(directory, name)
      if (!statSync(path).isDirectory()) return [name]
      return filesIn(path).map((file) => `${name}/${file}`)
    })
    .sort()
}

/** With each password the same: every rendering makes others. */
function withoutPasswords(manifests: readonly Manifest[]): readonly Manifest[] {
  return manifests.map((manifest) => {
    if (manifest.kind !== 'Secret') return manifest
    const texts = Object.entries(manifest.data!).map(([key, value]) => [
      key,
      atob(value).replaceAll(/[A-Za-z0-9]{48}/g, 'password'),
    ])
    return { ...manifest, data: Object.fromEntries(texts) }
  })
}
