export { connectTcp, tcpConnector } from './connect.ts'
export { listenTcp, type TcpListener } from './listen.ts'
export type { Lookup, TcpConnectOptions, TcpListenOptions, TcpSocketOptions } from './options.ts'
