import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { StackLayer } from '@async/core'
import type * as Tls from '@async/transport-tls'
import { messageOf, usage } from '../exit.ts'
import { layerOptions } from '../layer-options.ts'
import type { LayerScheme } from './scheme.ts'

const both = { cert: 'text', key: 'text', ca: 'text', minVersion: 'text', maxVersion: 'text', allowTruncation: 'boolean', handshakeTimeoutMs: 'count' } as const

/** `tls+tcp://host:port`; `tls;ca=ca.pem`, `tls;cert=server.pem;key=server.key` */
export const tls: LayerScheme = {
  needs: 'stream',
  gives: 'stream',
  async connects(layer, { load, description, io }) {
    const options = layerOptions(layer, { ...both, serverName: 'text', dangerouslyAcceptAnyCertificate: 'boolean' })
    const { host } = description.transport
    const { tlsConnector } = await load<typeof Tls>('@async/transport-tls', 'tls')
    // A process on this machine is who the transport says it is, but its certificate names something all the same.
    const serverName = host ?? (options['dangerouslyAcceptAnyCertificate'] === true ? undefined : '127.0.0.1')
    return (below) => tlsConnector(below, { ...(serverName === undefined ? {} : { serverName }), ...withFiles(layer, options, io.folder) })
  },
  async accepts(layer, { load, io }) {
    const options = layerOptions(layer, { ...both, clientCertificates: 'text' })
    if (options['cert'] === undefined || options['key'] === undefined) throw usage('to serve, tls needs a certificate, as in tls;cert=server.pem;key=server.key')
    const { tlsListener } = await load<typeof Tls>('@async/transport-tls', 'tls')
    return (above) => tlsListener(withFiles(layer, options, io.folder), (transport) => above(transport))
  },
}

/** Certificates and keys are given as files. */
function withFiles(layer: StackLayer, options: Record<string, unknown>, folder: string): Record<string, unknown> {
  const read = { ...options }
  for (const name of ['cert', 'key', 'ca']) {
    const file = options[name]
    if (file === undefined) continue
    try {
      read[name] = readFileSync(resolve(folder, String(file)))
    } catch (error) {
      throw usage(`${layer.scheme};${name}: ${messageOf(error)}`)
    }
  }
  return read
}
