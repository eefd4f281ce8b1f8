/** What is used of a runtime's own WebSocket: browsers, workers, Deno, Bun, Node from 22 on, undici. */
export interface BuiltInWebSocket {
  binaryType: string
  readonly bufferedAmount: number
  readonly protocol: string
  readonly extensions: string
  onopen: ((event: never) => void) | null
  onmessage: ((event: { readonly data: unknown }) => void) | null
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null
  onerror: ((event: never) => void) | null
  send(data: string | Uint8Array): void
  close(code?: number, reason?: string): void
}

/** How one is made. */
export type BuiltInConstructor = new (url: string, protocols: string[]) => BuiltInWebSocket
