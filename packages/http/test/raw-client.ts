import { connect } from 'node:net'

/** What came back over a connection until the server closed it, for requests that end it. */
export type RawAnswer = Readonly<{
  status: number
  headers: Readonly<Record<string, string>>
  body: string
}>

/** Sends lines of a header, and a body, as they are, over a connection of their own. */
export async function sendLines(port: number, lines: readonly string[], body = '') {
  return answerFrom(await sendBytes(port, `${lines.join('\r\n')}\r\n\r\n${body}`))
}

/** Sends bytes, and collects what comes until the server closes the connection. */
function sendBytes(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let got = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      got += chunk
    })
    socket.on('error', reject).on('close', () => resolve(got))
  })
}

function answerFrom(text: string): RawAnswer {
  const [head = '', body = ''] = text.split(/\r\n\r\n(.*)/s)
  const [first = '', ...fields] = head.split('\r\n')
  const headers = Object.fromEntries(
    fields.map((field) => {
      const [name = '', value = ''] = field.split(/: (.*)/s)
      return [name.toLowerCase(), value]
    }),
  )
  return { status: Number(first.split(' ')[1]), headers, body }
}
