/** What is used of a runtime's own WebSocket: browsers, workers, Deno, Bun, Node from 22 on, undici. Their types of events and of bytes differ. */
export interface BuiltInWebSocket {
  binaryType: string
  readonly bufferedAmount: number
  readonly protocol: string
  readonly extensions: string
  onopen: ((event: any) => unknown) | null
  onmessage: ((event: any) => unknown) | null
  onclose: ((event: any) => unknown) | null
  onerror: ((event: any) => unknown) | null
  send(data: any): void
  close(code?: number, reason?: string): void
}

/** How one is made. */
export type BuiltInConstructor = new (url: string, protocols: string[]) => BuiltInWebSocket
