/** What runs left, in corpus.json: inputs that reached code first, and for each class of differences the smallest example; with what we make of them. */
import { readFileSync } from 'node:fs'
import { classes, type Peer } from './classes.ts'
import type { Input } from './generate.ts'
import { escaped } from './outcome.ts'
import type { OurOutcome } from './ours.ts'

type Kept = readonly [text: string, asked: readonly string[] | null, outcome: string]

export interface Corpus {
  /** The long run that counted the classes. */
  readonly run: Figures
  readonly reached: readonly Kept[]
  readonly classes: Readonly<Record<string, Example>>
}
export interface Figures {
  readonly seed: number
  readonly inputs: number
  /** Of these, the ones that the classes are counted in: the last, where a run was made in parts. */
  readonly countedInputs: number
  readonly bytes: number
  readonly messages: number
  readonly accepted: number
  readonly refused: number
  readonly compared: Readonly<Record<Peer, number>>
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMiB: number
  readonly node: string
  readonly llhttp: string
  readonly h11: string
}
export interface Example {
  readonly input: Kept
  /** How often the run had the class, with each parser. */
  readonly llhttp: number
  readonly h11: number
  /** The parser that the example is of. */
  readonly peer: Peer
}

export const readCorpus = (path: URL | string): Corpus => JSON.parse(readFileSync(path, 'utf8')) as Corpus
export const inputOf = ([text, asked]: Kept): Input => ({ text, asked: asked === null ? undefined : [...asked] })

/** What we make of an input, in a line. */
export function summary({ messages, end, why, leftover }: OurOutcome): string {
  const each = messages.map(({ kind, method, target, body, trailers, keep }) => {
    const behind = trailers.length > 0 ? `, ${trailers.length} trailers` : ''
    return `${kind} ${method} ${target}, ${body.length} bytes${behind}${keep ? '' : ', the last'}`
  })
  const last = end === 'refused' ? why.split(' ').slice(0, 2).join(' ') : end === 'switched' ? `switched, ${leftover.length} bytes left` : end
  return [...each, last].join('; ')
}

const cell = (text: string): string => text.replaceAll('|', '\\|')
const code = (text: string): string => cell(text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``)
const verdicts: Readonly<Record<string, string>> = { ours: 'we are right', choice: 'either is right', stricter: 'we are stricter, on purpose' }

/** The table of docs/http-differences.md. */
export function table({ classes: examples }: Corpus): string {
  const rows = classes.filter(({ name }) => examples[name] !== undefined).map(({ name, what, verdict, we, they, because }) => {
    const { input: [text, asked], llhttp, h11 } = examples[name]!
    const question = asked === null ? '' : ` to ${asked.join(', ')}`
    const our = what === 'we refuse' ? `refuse: ${we}` : cell(we)
    return `| ${cell(name)} | ${code(escaped(text, 160))}${question} | ${our} | ${cell(they)} | ${verdicts[verdict]}. ${cell(because)} | ${llhttp} | ${h11} |`
  })
  return ['| class | example | we | they | verdict | llhttp | h11 |', '|---|---|---|---|---|---|---|', ...rows].join('\n')
}

/** The figures of the run, as the document has them. */
export function figures({ run, classes: examples, reached }: Corpus): string {
  const number = (value: number): string => value.toLocaleString('en-US')
  return [
    '| what | figure |', '|---|---|',
    `| inputs | ${number(run.inputs)} of seed ${run.seed}; ${number(run.bytes)} bytes |`,
    `| of which we took a message, refused something | ${number(run.accepted)}, ${number(run.refused)} |`,
    `| messages taken | ${number(run.messages)} |`,
    `| compared with llhttp ${run.llhttp} (Node ${run.node.slice(1)}), with h11 ${run.h11} | ${number(run.compared.llhttp)}, ${number(run.compared.h11)} |`,
    ...(run.countedInputs < run.inputs ? [`| of which the classes are counted in the last | ${number(run.countedInputs)} |`] : []),
    `| classes of differences; unclassified | ${Object.keys(examples).length}; 0 |`,
    '| broken promises of ours (below, "The oracle") | 0 |',
    `| time, processor time of our side, memory at most | ${number(run.seconds)} s, ${number(run.cpuSeconds)} s, ${run.peakMiB} MiB |`,
    `| inputs kept: first to reach a branch, examples of a class | ${reached.length}, ${Object.keys(examples).length} |`,
  ].join('\n')
}
