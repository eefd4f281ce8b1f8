import { stack, type Stream, type Transport, whole } from '@async/core'

declare const serial: Transport<Stream>

// error: Property 'halfClose' is missing in type 'Transport<Stream>' but required in type 'HalfClosable'
stack(serial, whole())
