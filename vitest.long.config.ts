import usual from './vitest.config.ts'

/** What takes minutes: what dies, spoiled databases, and every benchmark in small. */
export default { ...usual, test: { ...usual.test, include: ['**/test/**/*.long.ts'] } }
