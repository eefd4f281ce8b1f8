/**
 * Where the rest goes, of goals that may be missed: shown on the page below a scenario of which one is. Shares are of the samples of `node --cpu-prof` in the process that is
 * measured, idle ones left out.
 *
 * @type {Record<string, string>}
 */
export const notes = {
  'http-pipelined':
    'Of the server\'s samples 27 % are the one write of a read\'s answers, 5 % the collector; what is ours is flat, no function above 4 %. In memory, without a socket, a request takes 0.75 µs: 0.15 to read it, 0.17 to write the answer, 0.4 for the exchange between.',
  'http-fetch':
    'Half of the samples are the write call, 11 % the collector (which the floor has, too: Node makes an object of each read), 20 % the rest of Node\'s sockets. In memory a request through `serveFetch` takes 0.2 µs more than one through `httpServer`. The floor is in the table.',
  'http-hono': 'As http-fetch. Hono\'s own share is 0.3 µs.',
  'http-bodies':
    'Down, 66 to 75 % of the samples are the write call on both sides. Peak: 32 MiB of reads wait for the collector on both sides; ours are 2 MiB of modules that are not in Node\'s snapshot, and 6 to 8 MiB that V8\'s compiler leaves behind when it has optimised the path (with `--no-opt` the peak is below node:http\'s).',
  'tcp-send': 'A batch is 128 KiB at first, and up to 320 while the peer takes each at once (decision 0081): a peer that makes batches wait keeps them small.',
  'jsonrpc-http':
    'A connection for each call in flight takes a read and a write of each side that nobody shares: the floor of http-hello, without a parser, is more than a third of jayson. Pipelined, with an exchange for each call all the same, or joined to batches, calls share them.',
  'jsonrpc-1': 'The floor is beside it: a hand-made loop on net.Socket that checks nothing.',
  'tls-native-handshake':
    'Above node:tls, by self time: the peer\'s address asked of the system (getpeername, needed because a reset makes it forget), the timers of handshake and close, the collector; half of the excess is the transport below. A bare TLSSocket over it took 1.05 to 1.15.',
  'tls-native-departure': 'As tls-native-handshake; the error and the reason of an abrupt end come on top.',
  'tls-tcp-handshake': 'As tls-native-handshake.',
  'idle-http': 'Of the heap, an HTTP connection on TCP is 2.7 KB here and 2.9 KB in node:http; the rest is native, and what the visit left in the heap.',
  'idle-jsonrpc': 'Of the heap, a JSON-RPC connection is 2.1 KB here, a bare net.Socket 1.0 KB; the rest is native, and what the visit left in the heap.',
  'start-up': 'Most of it is finding three files in two packages, the floor beside it; the rest is to compile 60 KB. One file with all of it takes 1 % less, without its whitespace and long names half a percent less again.',
}
