import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadModule, servedFunctions } from './module.ts'

describe('servedFunctions', () => {
  it('serves named exports, and the own functions of a default export that is an object', () => {
    const named = (): string => 'named'
    const main = {
      constant: 2,
      named: (): string => 'of the default',
      inDefault(): number {
        return this.constant
      },
    }
    const found = servedFunctions({ named, constant: 1, default: main })
    expect([...found].map(([name, served]) => [name, served()])).toEqual([['named', 'named'], ['inDefault', 2]])
  })

  it('serves nothing inherited, no getter, no class, no then and no reserved name', () => {
    let ran = false
    const inherited = { parent(): void {} }
    const module = Object.assign(Object.create(inherited) as object, { then(): void {}, 'rpc.discover': (): void => {}, Class: class {} })
    const main = Object.defineProperty(Object.create(inherited) as object, 'getter', {
      enumerable: true,
      get: () => {
        ran = true
        return (): void => {}
      },
    })
    expect([...servedFunctions({ ...module, default: main }).keys()]).toEqual([])
    expect(ran).toBe(false)
    expect(servedFunctions({}).has('toString')).toBe(false)
  })

  it('takes no default export that is a function, and what CommonJS calls module.exports only once', () => {
    const main = (): void => {}
    expect([...servedFunctions({ default: main, 'module.exports': main }).keys()]).toEqual([])
  })
})

describe('loadModule', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'async-cli-'))
    mkdirSync(join(folder, 'node_modules/some-package'), { recursive: true })
    writeFileSync(join(folder, 'node_modules/some-package/package.json'), '{"name":"some-package","exports":"./main.mjs"}')
    writeFileSync(join(folder, 'node_modules/some-package/main.mjs'), 'export const packaged = () => 1')
    writeFileSync(join(folder, 'esm.mjs'), 'export const add = (a, b) => a + b\nexport function then() { throw new Error("awaited") }')
    writeFileSync(join(folder, 'common.cjs'), 'module.exports = { add: (a, b) => a + b, n: 1 }')
    writeFileSync(join(folder, 'empty.mjs'), 'export const n = 1')
    writeFileSync(join(folder, 'broken.mjs'), 'export const = 1')
    writeFileSync(join(folder, 'throws.mjs'), 'throw new RangeError("at load")')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each([['esm.mjs'], ['./esm.mjs'], ['common.cjs']])('loads %s, and calls no then', async (file) => {
    const functions = await loadModule(file, folder)
    expect([...functions.keys()]).toEqual(['add'])
    expect(functions.get('add')?.(1, 2)).toBe(3)
  })

  it('loads a package that is installed in the folder', async () => {
    expect([...(await loadModule('some-package', folder)).keys()]).toEqual(['packaged'])
  })

  it.each<[string, string]>([
    ['empty.mjs', 'empty.mjs exports no function to serve'],
    ['throws.mjs', "throws.mjs can't be loaded: RangeError: at load"],
  ])('refuses %s', async (file, message) => {
    await expect(loadModule(file, folder)).rejects.toMatchObject({ exitCode: 6, message })
  })

  it('refuses what has a syntax error', async () => {
    await expect(loadModule('broken.mjs', folder)).rejects.toMatchObject({ exitCode: 6, message: expect.stringContaining("broken.mjs can't be loaded: ") })
  })

  it('says what it looked for', async () => {
    await expect(loadModule('./none.mjs', folder)).rejects.toMatchObject({ exitCode: 6, message: `there is no file ${join(folder, 'none.mjs')}` })
    await expect(loadModule('none', folder)).rejects.toMatchObject({ exitCode: 6, message: `there is no file ${join(folder, 'none')}, and no package none` })
  })
})
