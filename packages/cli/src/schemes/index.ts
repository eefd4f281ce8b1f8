import { framing } from './framing.ts'
import { http } from './http.ts'
import { exec, fd, fifo, namedPipe, stdio, unix } from './pipe.ts'
import type { LayerScheme, TransportScheme } from './scheme.ts'
import { serial } from './serial.ts'
import { tcp } from './tcp.ts'
import { tls } from './tls.ts'
import { ws } from './ws.ts'

/** The schemes that stand between a transport and the top. */
export const layerSchemes: ReadonlyMap<string, LayerScheme> = new Map([
  ['line', framing],
  ['nul', framing],
  ['lsp', framing],
  ['length-prefix', framing],
  ['chunk', framing],
  ['exact', framing],
  ['http', http],
  ['tls', tls],
  ['ws', ws],
])

/** The schemes that are lowest. */
export const transportSchemes: ReadonlyMap<string, TransportScheme> = new Map([
  ['tcp', tcp],
  ['unix', unix],
  ['pipe', namedPipe],
  ['fifo', fifo],
  ['fd', fd],
  ['stdio', stdio],
  ['exec', exec],
  ['serial', serial],
])
