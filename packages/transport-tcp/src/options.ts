import type { LookupAddress } from 'node:dns'
import { UsageError } from '@async/core/node'
import type { ConnectionSetOptions, TransportOptions } from '@async/core/base'

/** What sockets of both sides can be told. */
export interface TcpSocketOptions extends TransportOptions {
  /** Send small writes at once (no Nagle). The transport batches a turn's writes itself. Default true. */
  readonly noDelay?: boolean
  /** Milliseconds of silence before the OS asks whether the peer is there; it counts whole seconds, at least one. Default: it does not ask. */
  readonly keepAliveMs?: number
  /** Whether an open connection, or listener, keeps the process alive. Default true. */
  readonly ref?: boolean
}

/** Looks a name up: all its addresses, in the order of preference. */
export type Lookup = (host: string) => Promise<readonly LookupAddress[]>

/** Options of `connectTcp` and `tcpConnector`. */
export interface TcpConnectOptions extends TcpSocketOptions {
  /** A host name, or an address. Default `localhost`. */
  readonly host?: string
  /** The port, 1 to 65,535. */
  readonly port: number
  /** Our own address, where the machine has several. Of the peer's, only those of its family are tried. */
  readonly localAddress?: string
  /** Our own port. Default: the OS chooses. */
  readonly localPort?: number
  /** Milliseconds for the look-up and all attempts together; then `ERR_CONNECT_TIMEOUT`. Default 30,000. */
  readonly connectTimeoutMs?: number
  /** Milliseconds after which the next address is tried beside the pending ones. Default 250 (RFC 8305 §8). */
  readonly attemptDelayMs?: number
  /** Looks names up. Default: the system's resolver. */
  readonly lookup?: Lookup
}

/** Options of `listenTcp`. */
export interface TcpListenOptions extends TcpSocketOptions, ConnectionSetOptions {
  /** Whether the listener, and the connections that it accepts, keep the process alive. Default true. */
  readonly ref?: boolean
  /** The address to listen on: `127.0.0.1`, `::1`, `::` (both families unless `ipv6Only`), `0.0.0.0`. Default `127.0.0.1`. */
  readonly host?: string
  /** The port; 0 (default): the OS chooses, see `port` of the listener. */
  readonly port?: number
  /** On an IPv6 address, take no IPv4 connections. Default false. */
  readonly ipv6Only?: boolean
  /** Connections that the OS holds before they are accepted. Default 511. */
  readonly backlog?: number
  /** Share the port with other processes. Refused with `ERR_UNSUPPORTED` where the runtime ignores it (Node 20). Default false. */
  readonly reusePort?: boolean
}

/** @throws UsageError `ERR_INVALID_ARGUMENT` unless `port` is an integer from `least` to 65,535. */
export function checkPort(name: string, port: unknown, least: 0 | 1): void {
  if (!Number.isInteger(port) || (port as number) < least || (port as number) > 65_535) {
    throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${String(port)}; it takes ${least} to 65535`)
  }
}

/** What Node's sockets are told of `keepAliveMs`: it cuts to seconds, and 0 would turn it off. */
export function keepAlive({ keepAliveMs }: TcpSocketOptions): { keepAlive?: true; keepAliveInitialDelay?: number } {
  return keepAliveMs === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: Math.max(1_000, Math.ceil(keepAliveMs / 1_000) * 1_000) }
}
