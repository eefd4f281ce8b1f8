import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadPackage } from './packages.ts'

describe('loadPackage', () => {
  let folder = ''
  let place = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'async-cli-'))
    place = join(folder, 'package.json')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  function install(at: string, source: string): void {
    const home = join(at, 'node_modules/@async/protocol-http')
    mkdirSync(home, { recursive: true })
    writeFileSync(join(home, 'package.json'), '{"name":"@async/protocol-http","type":"module","exports":{".":{"default":"./main.js"}}}')
    writeFileSync(join(home, 'main.js'), source)
  }

  it("takes the user's package first", async () => {
    const other = join(folder, 'other')
    install(folder, 'export const whose = "the user\'s"')
    install(other, 'export const whose = "ours"')
    const loaded = await loadPackage<{ whose: string }>('@async/protocol-http', 'http', [place, join(other, 'package.json')])
    expect(loaded.whose).toBe("the user's")
  })

  it('takes our own where the user has none', async () => {
    const other = join(folder, 'other')
    install(other, 'export const whose = "ours"')
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    const loaded = await loadPackage<{ whose: string }>('@async/protocol-http', 'http', [join(empty, 'package.json'), join(other, 'package.json')])
    expect(loaded.whose).toBe('ours')
  })

  it('names the package and the command that installs it', async () => {
    await expect(loadPackage('@async/protocol-http', 'http', [place])).rejects.toMatchObject({
      exitCode: 4,
      message: 'http needs the package @async/protocol-http, which is not installed here: npm install @async/protocol-http',
    })
  })

  it('tells a package that is broken from one that is missing', async () => {
    install(folder, 'throw new Error("at load")')
    await expect(loadPackage('@async/protocol-http', 'http', [place])).rejects.toMatchObject({
      exitCode: 4,
      message: "@async/protocol-http can't be loaded: at load",
    })
  })
})
