import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const packages = fileURLToPath(new URL('../..', import.meta.url))
const find = createRequire(import.meta.url).resolve
const compiler = join(dirname(find('typescript/package.json')), 'bin', 'tsc')

/** A page, as its author would write it: with a browser's types and those of Web Serial's specification, and none of Node's. */
const page = `
import { connectSerial, listSerialPorts, type WebSerial, type WebSerialPort } from '@async/transport-serial/web'

export async function connect(): Promise<void> {
  const chosen = await navigator.serial.requestPort({ filters: [{ usbVendorId: 0x2341 }] })
  const port = await connectSerial({ port: chosen, baudRate: 115_200, rtscts: true, signal: AbortSignal.timeout(1000) })
  port.start({ dataReceived: (data) => console.log(data) })
  port.write('hello')
  console.log(await listSerialPorts({ serial: navigator.serial }))
}
export const serial: WebSerial = navigator.serial
export const port = (given: SerialPort): WebSerialPort => given
`

it('the types of the specification fit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'async-serial-'))
  try {
    writeFileSync(join(folder, 'page.ts'), page)
    const source = (path: string): string[] => [join(packages, path)]
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
      compilerOptions: {
        target: 'ES2022', module: 'ESNext', moduleResolution: 'bundler', lib: ['ES2022', 'ESNext.Disposable', 'DOM'], strict: true, noEmit: true, skipLibCheck: true,
        allowImportingTsExtensions: true, exactOptionalPropertyTypes: true, types: [dirname(find('@types/w3c-web-serial/package.json'))],
        paths: {
          '@async/core': source('core/src/index.ts'),
          '@async/core/base': source('core/src/base/index.ts'),
          '@async/transport-serial/web': source('transport-serial/src/web/index.ts'),
        },
      },
      include: ['page.ts'],
    }))
    let output = ''
    try {
      execFileSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], { encoding: 'utf8' })
    } catch (error) {
      output = (error as { readonly stdout: string }).stdout
    }
    expect(output).toBe('')
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 60_000)
