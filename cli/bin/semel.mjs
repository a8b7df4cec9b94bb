#!/usr/bin/env node
import * as module from 'node:module'
import { fileURLToPath } from 'node:url'

// Plain JavaScript that old versions can read: only from Node 24 on is TypeScript run as it is.
const [major] = process.versions.node.split('.').map(Number)
if (major >= 24) {
  // A second less to start. In the checkout, and not where every user of the machine can write.
  module.enableCompileCache(
    fileURLToPath(new URL('../../node_modules/.cache/semel', import.meta.url)),
  )
  await import('../src/semel.ts')
} else {
  process.stderr.write(
    `semel: Node 24 or newer is needed and this is Node ${process.versions.node}; "npm ci" brings ` +
      'one (with --omit=optional it does not), and "npm start" or "npx semel start" use it\n',
  )
  process.exitCode = 1
}
