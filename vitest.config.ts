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
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
