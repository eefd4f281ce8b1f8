/** A place in a document: line and UTF-16 unit, both from 0, as LSP counts. */
export interface Position {
  readonly line: number
  readonly character: number
}

/** From a place up to another. */
export interface Range {
  readonly start: Position
  readonly end: Position
}

/** A word that stands there twice: `range` is the second, with the space before it. */
export interface Twice {
  readonly word: string
  readonly range: Range
}

/** Finds words that follow themselves: the the. */
export function findTwice(text: string): Twice[] {
  return text.split('\n').flatMap((content, line) =>
    [...content.matchAll(/(?<![\p{L}\p{N}_])(\p{L}+)([ \t]+\1)(?![\p{L}\p{N}_])/giu)].map(({ 0: both, 1: word = '', index }) => ({
      word,
      range: { start: { line, character: index + word.length }, end: { line, character: index + both.length } },
    })),
  )
}

/** How many words a text has. */
export function countWords(text: string): number {
  return text.match(/\p{L}+/gu)?.length ?? 0
}
