import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { ClosingLine } from './test/closing-line.ts'

if (Number(process.versions.node.split('.')[0]) < 24) {
  throw new Error('The tests need Node 24, which npm brings: use npm test, or npx vitest.')
}

export default defineConfig({
  test: {
    globalSetup: './test/postgres-server.ts',
    include: ['**/test/**/*.test.ts'],
    reporters: ['default', new ClosingLine()],
    // Most tests wait for processes and disks: with one core less than there are, nearly in a row.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
