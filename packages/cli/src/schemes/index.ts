import { framing } from './framing.ts'
import { http } from './http.ts'
import type { LayerScheme, TransportScheme } from './scheme.ts'
import { tcp } from './tcp.ts'

/** The schemes that stand between a transport and the top. */
export const layerSchemes: ReadonlyMap<string, LayerScheme> = new Map([
  ['line', framing],
  ['nul', framing],
  ['lsp', framing],
  ['length-prefix', framing],
  ['chunk', framing],
  ['exact', framing],
  ['http', http],
])

/** The schemes that are lowest. */
export const transportSchemes: ReadonlyMap<string, TransportScheme> = new Map([['tcp', tcp]])
