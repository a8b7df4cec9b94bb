import usual from './vitest.config.ts'

/** What takes minutes: every benchmark in small, and Kafka that dies, hangs or is away. */
export default { ...usual, test: { ...usual.test, include: ['**/test/**/*.long.ts'] } }
