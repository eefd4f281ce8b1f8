import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseStack } from './parse.ts'

const document = readFileSync(new URL('../../../../docs/stack-strings.md', import.meta.url), 'utf8')
const examples = document.slice(document.indexOf('\n## Examples\n'))

/** Rows of the table of examples: the string, the layers, the transport, as they are written there. */
const rows = [...examples.matchAll(/^\| `([^`]+)` \| (.+?) \| (.+?) \|$/gm)].map(([, text = '', layers = '', transport = '']) => [text, layers, transport] as const)

function params(list: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(list).map(([name, value]) => `${name}: ${value}`)
  return pairs.length === 0 ? '' : ` \`{${pairs.join(', ')}}\``
}

describe('docs/stack-strings.md', () => {
  it('has examples', () => {
    expect(rows.length).toBeGreaterThanOrEqual(16)
  })

  it.each(rows)('%s is read as it says', (text, layers, transport) => {
    const stack = parseStack(text, { allowExec: true })
    const { scheme, host, port, path, words } = stack.transport
    expect(stack.layers.map((layer) => `\`${layer.scheme}\`${params(layer.params)}`).join(', ') || '–').toBe(layers)
    const location = [host, port, path === undefined ? undefined : `path \`${path}\``, words && `words ${words.map((word) => `\`${word}\``).join(', ')}`]
    const rest = location.filter((part) => part !== undefined).map((part) => ` ${part}`).join('')
    const [byPosition, byPlace] = [`\`${scheme}\`${params(stack.transport.params)}${rest}`, `\`${scheme}\`${rest}${params(stack.transport.params)}`]
    expect([byPosition, byPlace]).toContain(transport.replace(', the host is the caller\'s choice', ''))
  })
})
