import { expect, it } from 'vitest'
import { describeWithHelm, namespace, notesOf } from './helm.ts'

// What an operator reads after an installation.

describeWithHelm('notes', () => {
  it('say how the shop is reached, and what is next', async () => {
    const notes = await notesOf({ chart: 'semel' })

    expect(notes).toContain('outside at http://arch.homework\n')
    expect(notes).toContain('get secret shop-shared')
    expect(notes).toContain(`helm test shop --namespace ${namespace}`)
  })

  it('do not say that an HTTPRoute is without TLS, which its Gateway decides', async () => {
    const httpRoute = { enabled: true, parentRefs: [{ name: 'public' }] }
    const values = { ingress: { enabled: false }, httpRoute }
    const notes = await notesOf({ chart: 'gateway', values })

    expect(notes).toContain('http://arch.homework, or by https, if the Gateway of its HTTPRoute')
  })

  it('say that tokens are those of one service where it makes their secret itself', async () => {
    const secrets = { AUTH_JWT_SECRET: { name: 'tokens', key: 'secret' } }
    const alone = await notesOf({ chart: 'orders' })
    const together = [
      await notesOf({ chart: 'orders', values: { secrets } }),
      await notesOf({ chart: 'semel' }),
    ]

    expect(alone).toContain('made for orders alone')
    expect(alone).toContain(
      '--set secrets.AUTH_JWT_SECRET.name=shop-orders --set secrets.AUTH_JWT_SECRET.key=AUTH_JWT_SECRET',
    )
    for (const notes of together) expect(notes).not.toContain('was made for')
  })
})
