import usual from './vitest.config.ts'

const { globalSetup: _itsPostgres, ...settings } = usual.test!

/**
 * What needs a Kubernetes, that of KUBECONFIG, with the images that charts/test/images/build makes:
 * file by file, for all share its node. No PostgreSQL of this machine takes part.
 */
export default {
  ...usual,
  test: {
    ...settings,
    include: ['**/test/**/*.cluster.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
}
