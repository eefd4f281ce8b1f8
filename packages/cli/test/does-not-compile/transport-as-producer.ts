import type { StreamTransport } from '@async/core'

declare const a: StreamTransport
declare const b: StreamTransport

// error: 'stop'
a.register(b)
