import { connect } from 'node:net'
import { describeWithKafka, openTestKafka } from '@semel/parts/testing'
import { expect, it, onTestFinished } from 'vitest'

describeWithKafka('the broker for tests', () => {
  it('takes connections when it is started, none when killed, and again at the same place', async () => {
    const kafka = await openTestKafka()
    onTestFinished(() => kafka.stop())

    const steps = [await takesConnections(kafka.brokers[0]!)]
    await kafka.kill()
    steps.push(await takesConnections(kafka.brokers[0]!))
    await kafka.start()
    steps.push(await takesConnections(kafka.brokers[0]!))

    expect(steps).toEqual([true, false, true])
  })
})

function takesConnections(broker: string): Promise<boolean> {
  const [host, port] = broker.split(':')
  return new Promise((resolve) => {
    const socket = connect({ host: host!, port: Number(port) })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
