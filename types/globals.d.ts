/**
 * The globals that core and the protocols may use: what Node, Deno, Bun, workers and browsers have in common. Nothing else is in scope
 * when those packages are compiled (`types: []`, no DOM), so code that would not run everywhere does not compile.
 */

interface EventTargetMinimum {
  addEventListener(type: string, listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: string, listener: () => void): void
}

interface AbortSignal extends EventTargetMinimum {
  readonly aborted: boolean
  readonly reason: any
  throwIfAborted(): void
}
declare var AbortSignal: { timeout(ms: number): AbortSignal }

interface AbortController {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
}
declare var AbortController: { new (): AbortController }

interface TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>
  encodeInto(text: string, into: Uint8Array): { read: number; written: number }
}
declare var TextEncoder: { new (): TextEncoder }

interface TextDecoder {
  decode(bytes?: Uint8Array, options?: { stream?: boolean }): string
}
declare var TextDecoder: { new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder }

interface URL {
  readonly href: string
  readonly protocol: string
  readonly hostname: string
  readonly port: string
  readonly pathname: string
  readonly search: string
}
declare var URL: { new (url: string, base?: string): URL }

declare function queueMicrotask(task: () => void): void
declare function setTimeout(task: () => void, ms?: number): unknown
declare function clearTimeout(timer: unknown): void
declare var performance: { now(): number }
declare var console: { error(...data: unknown[]): void; warn(...data: unknown[]): void }
