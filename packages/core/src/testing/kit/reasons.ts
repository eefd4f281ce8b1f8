import type { CloseReason } from '../../reason.ts'

/** The code of the reason's error, if it has one. */
export function errorCode(reason: CloseReason | undefined): unknown {
  return reason !== undefined && 'error' in reason ? (reason.error as { readonly code?: unknown }).code : undefined
}

/** Bytes that were not sent, by any transport of the stack: the top's reason has the total. */
export function unsent(reason: CloseReason | undefined): number {
  return reason?.unsentBytes ?? 0
}

/** Bytes that were not delivered, by any transport of the stack: the top's reason has the total. */
export function unread(reason: CloseReason | undefined): number {
  return reason?.unreadBytes ?? 0
}

/** What the contract says of a reason, without that of the transport below. A transport may add what it alone knows. */
export function own(reason: CloseReason | undefined): object | undefined {
  if (reason === undefined) return undefined
  return Object.fromEntries(Object.entries(reason).filter(([name]) => ofContract.has(name)))
}

const ofContract: ReadonlySet<string> = new Set(['kind', 'by', 'error', 'unsentBytes', 'unreadBytes'])
