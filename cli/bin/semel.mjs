#!/usr/bin/env node
import * as module from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

// The first process of a container has no default for signals: a Job that is deleted would run on.
if (process.pid === 1) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Whoever listens as well has something to end, and ends the process.
      if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal])
    })
  }
}

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
