import type { StreamTransport } from '@async/core'

declare const a: StreamTransport
declare const b: StreamTransport

// error: missing the following properties from type 'Producer': halfRegister, stop
a.register(b)
