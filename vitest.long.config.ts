import usual from './vitest.config.ts'

/** What takes minutes: processes and servers that die, and every benchmark in small. */
export default { ...usual, test: { ...usual.test, include: ['**/test/**/*.long.ts'] } }
