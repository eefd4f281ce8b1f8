import type { Topic } from './arguments.ts'

const exits = `Exit codes:
  0    done
  1    call: the peer answered with an error
  2    the arguments, the stack string, or PARAMS are wrong
  3    could not connect or listen, or the connection was lost
  4    a package is not installed
  5    --timeout passed
  6    serve: the module can't be loaded, or exports no function
  70   a fault of this command
  130  Ctrl-C      141  the output's reader left      143  SIGTERM
`

const stacks = `STACK is written top first, as in
  jsonrpc+http://127.0.0.1:8080/rpc     JSON-RPC over HTTP over TCP
  jsonrpc+line+tcp://127.0.0.1:4000     JSON-RPC, one message a line, over TCP
  jsonrpc+lsp+tcp://127.0.0.1:4000      the same, framed as language servers do
  jsonrpc+wss://example.test/rpc        JSON-RPC over WebSocket over TLS over TCP
  jsonrpc+line+unix:/run/app.sock       over a Unix socket
  jsonrpc+lsp+exec:server --stdio       to a program that it starts
  line+serial:/dev/ttyUSB0?baudRate=115200
  tcp://example.test:7                  the bytes as they are
Framings: line, nul, lsp, length-prefix, chunk;delimiter=%0D%0A, exact;chunkBytes=16.
Options follow their layer: line;maxChunkBytes=65536.
`

const texts: Readonly<Record<Topic, string>> = {
  async: `async: serve, call and connect over any stack of protocols and transports

  async serve STACK MODULE           serve the functions of a JavaScript module
  async call STACK METHOD [PARAMS]   call one, print the result as JSON
  async connect STACK                tie a stack to standard input and output
  async COMMAND --help               more about one of them
  async --version

${stacks}
${exits}`,

  serve: `async serve [--grace MS] STACK MODULE

Serves the functions that MODULE exports: its named exports, or those of a default export that is an object.
MODULE is a file, or a package that is installed in this folder.
Where STACK names no host, it listens on 127.0.0.1; port 0 is any free one.
The first line on standard output is the stack string that reaches it.

Params by position are spread over the function's arguments; params by name arrive as one object.
With http on top of the stack instead of jsonrpc, requests go to the fetch(request) of its default export.

What a function returns, or its promise resolves to, is the result. An error that it throws reaches the caller
with message and data if its code is an integer; anything else is told as -32603, without detail.

  --grace MS   after Ctrl-C or SIGTERM, how long open connections may take to finish (5000)

${stacks}
Example:
  async serve jsonrpc+http://:8080/rpc ./methods.js

${exits}`,

  call: `async call [--timeout MS] [--notify] STACK METHOD [PARAMS]

Calls METHOD and prints the result as JSON.
PARAMS is a JSON array (by position) or a JSON object (by name); - reads it from standard input.
An error that the peer answers with is told on standard error, with its code and data; exit code 1.

  -t, --timeout MS   for connecting and the answer together (30000; 0 waits for ever)
  -n, --notify       send a notification: nothing is answered

${stacks}
Example:
  async call jsonrpc+http://127.0.0.1:8080/rpc add '[1, 2]'

${exits}`,

  connect: `async connect [--timeout MS] [--null] STACK

Ties the top of STACK to standard input and output.
A stream is passed as it is, byte for byte, both ways. Where the top carries messages (line, lsp, …), a line of
input is one message, and every message is printed with a line end.
The end of input ends our side; the command ends when the peer ends its side. Ctrl-C ends both at once.

  -t, --timeout MS   for connecting (30000; 0 waits for ever)
  -0, --null         messages on input and output end with a NUL byte, not with a line end

${stacks}
Example:
  printf 'hello\\n' | async connect tcp://127.0.0.1:7

${exits}`,
}

export function helpText(topic: Topic): string {
  return texts[topic]
}
