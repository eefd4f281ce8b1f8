import type { Boundary, Crossing, Crossings } from './crossings.ts'
import type { Report, StackReport, StepReport } from './report.ts'

/** How the terminal wants it: width, and whether it understands colour. Piped output is plain. */
export interface Style {
  readonly columns: number
  readonly colour: boolean
}

const layersOfClient: readonly (readonly [layer: string, below: Boundary])[] = [
  ['application', 'calls'],
  ['protocol-jsonrpc', 'messages'],
  ['whole(): one message is one body', 'body'],
  ['protocol-http: an exchange is a stream', 'bytes'],
]

/** The first step: both processes, from one application down to the wire and up to the other. */
export function fullPicture(step: StepReport, number: number, style: Style): string {
  const lines = [title(step, number, style), '']
  lines.push(label('client process', style))
  for (const [layer, below] of layersOfClient) lines.push(`  ${layer}`, ...crossing(step.client[below], below, style).flat())
  lines.push('  transport-tcp', label('~ ~ ~ ~ ~ ~ ~ the wire ~ ~ ~ ~ ~ ~ ~', style), label('server process', style), '  transport-tcp')
  for (const [layer, below] of [...layersOfClient].reverse()) lines.push(...crossing(step.server[below], below, style).reverse().flat(), `  ${layer}`)
  return `${lines.join('\n')}\n`
}

/** Any other step: the client's side, and whether the server saw the same. */
export function shortPicture(step: StepReport, number: number, style: Style): string {
  const lines = [title(step, number, style), '']
  for (const [layer, below] of layersOfClient) lines.push(`  ${layer}`, ...crossing(step.client[below], below, style).flat())
  lines.push(step.agree ? '  the server process saw the same, the other way round' : paint('  the server process saw SOMETHING ELSE', 31, style))
  return `${lines.join('\n')}\n`
}

/** One line for each of the other stacks. */
export function stackLine({ stack, right, note }: StackReport, style: Style): string {
  return `  ${verdict(right, style)}  ${stack}${note === undefined ? '' : `\n         ${note}`}`
}

/** The last line. */
export function summary(report: Report, style: Style): string {
  const all = 1 + report.others.length
  const what = report.right ? `one protocol, ${all} stacks, every answer as it must be` : 'an answer is not what it must be'
  return `${verdict(report.right, style)}: ${what}`
}

/** Whether the bytes, bodies and messages that left one process are those that entered the other. */
export function sawTheSame(client: Crossings, server: Crossings): boolean {
  return (['messages', 'body', 'bytes'] as const).every(
    (boundary) => same(client[boundary].down, server[boundary].up) && same(client[boundary].up, server[boundary].down),
  )
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function title(step: StepReport, number: number, style: Style): string {
  return `${verdict(step.right, style)}  ${paint(`${number}. ${step.title}`, 1, style)}`
}

function verdict(right: boolean, style: Style): string {
  return right ? paint('right', 32, style) : paint('WRONG', 31, style)
}

function label(text: string, style: Style): string {
  return paint(text, 2, style)
}

/** Lines for what went down, and lines for what came up. */
function crossing({ down, up }: Crossing, boundary: Boundary, style: Style): string[][] {
  return [arrows('↓', down, boundary, style), arrows('↑', up, boundary, style)]
}

function arrows(arrow: string, list: readonly string[], boundary: Boundary, style: Style): string[] {
  if (list.length === 0) return [`    ${arrow} nothing`]
  return list.flatMap((text) => {
    const size = boundary === 'calls' ? '' : `${text.length} bytes  `
    const indent = ' '.repeat(6 + size.length)
    const lines = text.split('\r\n').flatMap((line) => fold(line, Math.max(24, style.columns - indent.length)))
    while (lines.length > 1 && lines.at(-1) === '') lines.pop()
    return lines.map((line, at) => (at === 0 ? `    ${arrow} ${size}${line}` : `${indent}${line}`.trimEnd()))
  })
}

function fold(line: string, width: number): string[] {
  const parts = [line.slice(0, width)]
  for (let at = width; at < line.length; at += width) parts.push(line.slice(at, at + width))
  return parts
}

function paint(text: string, code: number, style: Style): string {
  return style.colour ? `\u001b[${code}m${text}\u001b[0m` : text
}
