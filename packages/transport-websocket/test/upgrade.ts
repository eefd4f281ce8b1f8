import { ConnectionError, type StreamTransport, type UpgradeRequest } from '@async/core'
import { ByteQueue } from '@async/core/base'

/** Reads a request's head from a transport that nobody has started: the least that an HTTP server could be. */
export function readRequest(transport: StreamTransport): Promise<UpgradeRequest> {
  return new Promise((resolve, reject) => {
    const input = new ByteQueue()
    transport.start({
      dataReceived(data) {
        input.append(data)
        const bytes = Buffer.from(input.take(input.length)!)
        const end = bytes.indexOf('\r\n\r\n')
        if (end === -1) return input.append(bytes)
        transport.pause('read')
        const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
        const [method = '', target = ''] = first.split(' ')
        const headers = lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const)
        resolve({ method, target, headers, transport, leftover: bytes.subarray(end + 4) })
      },
      eofReceived: () => reject(new ConnectionError('ERR_TRUNCATED', 'no request')),
      connectionLost: (reason) => reject(new ConnectionError('ERR_TRUNCATED', `no request: ${reason.kind}`)),
    })
  })
}
