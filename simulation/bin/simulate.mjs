#!/usr/bin/env node
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    `simulate: this needs Node 24 and runs on ${process.version}; use \`npm run simulate\` ` +
      'after `npm ci`, which brings Node 24 (`npm ci --omit=optional` leaves it out)',
  )
  process.exit(1)
}
const { simulate } = await import('../src/simulate.ts')
process.exitCode = await simulate(process.argv.slice(2))
