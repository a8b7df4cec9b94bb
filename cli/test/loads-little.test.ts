import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const bin = join(import.meta.dirname, '../bin/semel.mjs')
const telling = `
  import { registerHooks } from 'node:module'
  registerHooks({ load(url, context, next) { console.error(url); return next(url, context) } })`

it('starts without the web server and the mailer, which only services need', () => {
  const hook = `data:text/javascript,${encodeURIComponent(telling)}`

  const { status, stderr } = spawnSync(process.execPath, ['--import', hook, bin, 'check', '-h'])

  const loaded = `${stderr}`.match(/node_modules\/(@[^/]+\/)?[^/\s]+/g)!
  expect(status).toBe(0)
  expect(loaded).toContain('node_modules/pg')
  expect(loaded).not.toContain('node_modules/fastify')
  expect(loaded).not.toContain('node_modules/nodemailer')
})
