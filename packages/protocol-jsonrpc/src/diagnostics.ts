import type { Response } from './messages.ts'

/** What came and made no sense, or was dropped. None of it ends the connection. */
export type Diagnostic =
  | {
      /** A message that is not JSON, or too long to be looked at; the error's message has its beginning. */
      readonly kind: 'unreadable'
      readonly error: Error
    }
  | {
      /** JSON that is neither a request nor a response, or a batch that is empty or over the limit. */
      readonly kind: 'invalid'
    }
  | {
      /** A response to no call of ours: its id was never used, or is null, which tells of a message that the other side could not read. */
      readonly kind: 'unknownResponse'
      readonly response: Response
    }
  | {
      /** A notification that found the queue of requests full. */
      readonly kind: 'dropped'
      readonly method: string
    }
  | {
      /** A message that waited for the transport, which will never take it: it is longer than its queue may be. Calls in it are rejected. */
      readonly kind: 'unsent'
      readonly error: Error
    }
  | {
      /** The other side could not be told that a call was given up; its handler runs on. */
      readonly kind: 'untold'
      readonly error: Error
    }
  | {
      /** A request or a notification that came in answer to a call over an exchange: nothing can be answered there. */
      readonly kind: 'unexpected'
      readonly method: string
    }

/** Tells `hook`; what it throws goes to the console, and changes nothing. */
export function diagnose(hook: (diagnostic: Diagnostic) => void, diagnostic: Diagnostic): void {
  try {
    hook(diagnostic)
  } catch (thrown) {
    console.error(thrown)
  }
}
