/** Bytes as latin-1 text, one character a byte, and the way back. `TextDecoder('latin1')` is windows-1252 by its standard, so not this. */

interface NodeBytes {
  latin1Slice(start: number, end: number): string
}

const ascii = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The bytes from `start` to `end` as text, one character a byte. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  const onNode = bytes as Partial<NodeBytes>
  if (onNode.latin1Slice !== undefined) return onNode.latin1Slice(start, end)
  const part = bytes.subarray(start, end)
  if (part.length > 32) {
    try {
      // UTF-8 has fewer characters than bytes unless all of it is ASCII.
      const text = ascii.decode(part)
      if (text.length === part.length) return text
    } catch {
      // Not UTF-8.
    }
  }
  let text = ''
  for (let at = 0; at < part.length; at += 4096) text += String.fromCharCode.apply(null, part.subarray(at, at + 4096) as unknown as number[])
  return text
}

/** Text of characters up to U+00FF as bytes, one a character. */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}
