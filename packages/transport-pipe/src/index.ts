export { connectNamedPipe, listenNamedPipe, namedPipeConnector, type NamedPipeConnectOptions, type NamedPipeListenOptions } from './named-pipe.ts'
export { connectUnix, unixConnector, type UnixConnectOptions } from './unix-connect.ts'
export { listenUnix, type UnixListener, type UnixListenOptions } from './unix-listen.ts'
