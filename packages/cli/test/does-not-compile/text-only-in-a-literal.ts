import type { Data, Messages, Transport } from '@async/core'

declare const webSocket: Transport<Messages<Data>>

// error: 'Uint8Array<ArrayBufferLike>' is not assignable to type 'string'
webSocket.start({ dataReceived: (text: string) => void text.length })
