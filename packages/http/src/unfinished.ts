import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Watches a server's connections, so that those whose client has not finished asking can be closed
 * when the server is: one that says nothing, or stopped in the middle of a header or a body.
 * Nothing was executed for them. Node closes them by its time limits, but no longer looks at those
 * once a server is closing.
 */
export function watchUnfinished(server: Server): { closeUnfinished(): void } {
  const asked = new Map<Socket, IncomingMessage | undefined>()
  server.on('connection', (socket) => {
    asked.set(socket, undefined)
    socket.once('close', () => asked.delete(socket))
  })
  server.on('request', (request, response) => {
    const { socket } = request
    asked.set(socket, request)
    response.once('close', () => {
      if (asked.get(socket) === request) asked.set(socket, undefined)
    })
  })
  return {
    closeUnfinished() {
      for (const [socket, request] of asked) {
        if (request === undefined || !request.complete) socket.destroy()
      }
    },
  }
}
