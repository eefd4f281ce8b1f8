import type { Connector, StackTransport } from '@async/core'
import type * as Serial from '@async/transport-serial'
import { usage } from '../exit.ts'
import { layerOptions } from '../layer-options.ts'
import { listenOnce } from './listen-once.ts'
import type { Any, Surroundings, TransportScheme } from './scheme.ts'

const known = {
  baudRate: 'count', dataBits: 'count', stopBits: 'number', parity: 'text', rtscts: 'boolean', xon: 'boolean', xoff: 'boolean', xany: 'boolean',
  hupcl: 'boolean', lock: 'boolean', dtr: 'boolean', rts: 'boolean', drainTimeoutMs: 'count', waitForDeviceMs: 'count',
} as const

/** `serial:/dev/ttyUSB0?baudRate=115200` */
export const serial: TransportScheme = {
  gives: 'stream',
  connector,
  async listen(transport, around, accept) {
    return { listener: await listenOnce(await connector(transport, around), String(transport.path), around.io.signal, accept), where: {} }
  },
}

async function connector(transport: StackTransport, { load }: Surroundings): Promise<Connector<Any>> {
  const { path } = transport
  if (path === undefined || path === '') throw usage('serial needs the name of a port, as in serial:/dev/ttyUSB0')
  const { serialConnector } = await load<typeof Serial>('@async/transport-serial', 'serial')
  return serialConnector({ path, ...(layerOptions(transport, known) as Serial.SerialOptions) })
}
