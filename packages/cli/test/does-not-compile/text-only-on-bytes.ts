import type { Data, Messages, Protocol, Transport } from '@async/core'

declare const webSocket: Transport<Messages<Data>>
const chat: Protocol<Messages<string>> = { dataReceived: (text) => text.toUpperCase() }

// error: 'Uint8Array<ArrayBufferLike>' is not assignable to type 'string'
webSocket.start(chat)
