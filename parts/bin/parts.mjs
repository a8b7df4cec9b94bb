#!/usr/bin/env node
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(
    `The parts need Node 24, which npm brings: use npm run parts (this is ${process.version}).`,
  )
  process.exit(1)
}
await import('../src/main.ts')
