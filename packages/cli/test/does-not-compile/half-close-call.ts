import type { Stream, Transport } from '@async/core'

declare const serial: Transport<Stream>

// error: Property 'halfClose' does not exist on type 'Transport<Stream>'
serial.halfClose()
