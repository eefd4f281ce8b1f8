import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'

const folder = fileURLToPath(new URL('./does-not-compile/', import.meta.url))
const files = readdirSync(folder).filter((file) => file.endsWith('.ts'))
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')

describe('what must not compile', () => {
  /** File to the text of its errors, continuation lines included. */
  const errors = new Map<string, string>()

  beforeAll(() => {
    let output = ''
    try {
      execFileSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], { encoding: 'utf8' })
    } catch (error) {
      output = (error as { stdout: string }).stdout
    }
    let file = ''
    for (const line of output.split('\n')) {
      file = /([\w-]+\.ts)\(\d+,\d+\): error/.exec(line)?.[1] ?? file
      errors.set(file, `${errors.get(file) ?? ''}${line}\n`)
    }
  }, 120_000)

  it.each(files.filter((file) => file !== 'compiles.ts'))('%s, and the error names the cause', (file) => {
    const expected = /\/\/ error: (.*)/.exec(readFileSync(join(folder, file), 'utf8'))![1]!
    expect(errors.get(file)).toContain(expected)
    expect(errors.get(file)!.match(/: error TS/g)).toHaveLength(1)
  })

  it('while the right uses do', () => {
    expect(errors.get('compiles.ts')).toBeUndefined()
    expect([...errors.keys()].filter((file) => !files.includes(file) && file !== '')).toEqual([])
  })
})
