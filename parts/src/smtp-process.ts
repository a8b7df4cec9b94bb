import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'

/**
 * A mail server as a process of its own: listens on the port of its first argument (0: a free one),
 * prints that port, and then each mail that it has accepted, a line of JSON each. It knows no
 * `nobody@`, and has no room for `full@` the first time.
 */
const tried = new Set<string>()

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  onRcptTo({ address }, _session, done) {
    if (address.startsWith('nobody@')) return done(refusal(550, 'no such user'))
    const isFull = address.startsWith('full@') && !tried.has(address)
    tried.add(address)
    return done(isFull ? refusal(452, 'mailbox full') : null)
  },
  onData(stream, { envelope }, done) {
    const to = envelope.rcptTo.map(({ address }) => address)
    text(stream).then((mail) => {
      process.stdout.write(`${JSON.stringify({ to, ...partsOf(mail) })}\n`, () => done())
    }, done)
  },
})

function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}

function partsOf(mail: string) {
  const header = (name: string) => new RegExp(`^${name}: (.*)\r$`, 'im').exec(mail)?.[1]
  const body = mail.slice(mail.indexOf('\r\n\r\n') + 4).trim()
  return { id: header('message-id'), from: header('from'), subject: header('subject'), body }
}

const listener = server.listen(Number(process.argv[2]), '127.0.0.1', () => {
  const address = listener.address()
  const port = typeof address === 'object' ? address?.port : undefined
  process.stdout.write(`${JSON.stringify({ port })}\n`)
})
