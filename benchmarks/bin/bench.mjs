#!/usr/bin/env node
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    `bench: this needs Node 24 and runs on ${process.version}; use \`npm run bench -- create\` ` +
      'after `npm ci`, which brings Node 24 (`npm ci --omit=optional` leaves it out)',
  )
  process.exit(1)
}
const { bench } = await import('../src/bench.ts')
process.exitCode = await bench(process.argv.slice(2))
