import { ConnectionError, UsageError } from '@async/core'
import { type TransportOptions, transportPolicy, type TransportPolicy } from '@async/core/base'
import { type HttpLimits, pickLimits } from './limits.ts'

/** What every client lets its user choose. Options of transports are the exchanges'. */
export interface HttpClientOptions extends TransportOptions, Partial<HttpLimits> {
  /** Connections at a time to one origin; further exchanges wait. Default 100. */
  readonly maxConnectionCount?: number
  /** Exchanges that may wait for a connection; then `connect` rejects with `ERR_HTTP_POOL_FULL`. Default 1000. */
  readonly maxWaitingCount?: number
  /**
   * Exchanges at a time on one connection: pipelining. Above 1, where no further connection may be made, a request that is idempotent and
   * has no body, or says that it is `idempotent`, is sent before the responses to those before it came. Default 1: off.
   */
  readonly maxPipelinedCount?: number
  /** Milliseconds for which a connection without an exchange is kept. Default 4000: undici; a second less than servers wait. */
  readonly idleTimeoutMs?: number
  /** Milliseconds by which a connection is given up before the server would, where it says when (`Keep-Alive: timeout`). Default 1000. */
  readonly keepAliveMarginMs?: number
  /** Milliseconds for a connection to be made; then `ERR_CONNECT_TIMEOUT`. Default 10000: undici. */
  readonly connectTimeoutMs?: number
  /** Milliseconds from the end of the request to the response's head; then kind `timeout`, `ERR_HTTP_HEAD_TIMEOUT`. Default 300000: undici. */
  readonly headTimeoutMs?: number
  /**
   * Milliseconds without a byte of the response's body while it is read, or of the request's while there is one to send; then kind `timeout`,
   * `ERR_HTTP_BODY_TIMEOUT`. Stands while paused. Default 300000: undici.
   */
  readonly bodyIdleTimeoutMs?: number
  /** Milliseconds for all of an exchange, waiting for a connection included; then `ERR_HTTP_TIMEOUT`. Default Infinity. */
  readonly totalTimeoutMs?: number
}

/** What a pool was told, with every default filled in. */
export interface PoolPolicy {
  readonly limits: HttpLimits
  readonly transport: TransportPolicy
  readonly maxConnectionCount: number
  readonly maxWaitingCount: number
  readonly maxPipelinedCount: number
  readonly idleTimeoutMs: number
  readonly keepAliveMarginMs: number
  readonly connectTimeoutMs: number
  readonly headTimeoutMs: number
  readonly bodyIdleTimeoutMs: number
  readonly totalTimeoutMs: number
}

/** Fills in the defaults. @throws UsageError `ERR_INVALID_ARGUMENT` for an option that is out of range. */
export function poolPolicy(options: HttpClientOptions): PoolPolicy {
  const policy = {
    maxConnectionCount: options.maxConnectionCount ?? 100,
    maxWaitingCount: options.maxWaitingCount ?? 1000,
    maxPipelinedCount: options.maxPipelinedCount ?? 1,
    idleTimeoutMs: options.idleTimeoutMs ?? 4_000,
    keepAliveMarginMs: options.keepAliveMarginMs ?? 1_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    headTimeoutMs: options.headTimeoutMs ?? 300_000,
    bodyIdleTimeoutMs: options.bodyIdleTimeoutMs ?? 300_000,
    totalTimeoutMs: options.totalTimeoutMs ?? Infinity,
  }
  for (const [name, value] of Object.entries(policy)) {
    if (!(value >= 0)) throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${value}; it takes a number from 0`)
  }
  const { maxConnectionCount, maxPipelinedCount } = policy
  for (const [name, value] of Object.entries({ maxConnectionCount, maxPipelinedCount })) {
    if (value < 1) throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is less than 1`)
  }
  return { ...policy, limits: pickLimits(options), transport: transportPolicy(options) }
}

/** What took longer in all than it may. */
export function totalTimeout(ms: number): ConnectionError {
  return new ConnectionError('ERR_HTTP_TIMEOUT', `the exchange was not over after ${ms} ms`)
}
