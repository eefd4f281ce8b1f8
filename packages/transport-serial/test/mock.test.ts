import { SerialPort, SerialPortMock } from 'serialport'
import { afterEach, describe, expect, it } from 'vitest'
import { describeWith } from '../../core/test/programs.ts'
import { connectSerial, listSerialPorts, type SerialBinding } from '../src/index.ts'
import { ptyPair } from './pty.ts'
import { pattern, Recorder, until } from './support.ts'

const mock = SerialPortMock.binding
afterEach(() => mock.reset())

describe('the mock of serialport', () => {
  it('fits as a binding', async () => {
    mock.createPort('/dev/mock', { echo: true, readyData: Buffer.from('') })
    expect((await listSerialPorts({ binding: mock })).map(({ path }) => path)).toEqual(['/dev/mock'])
    const port = await connectSerial({ path: '/dev/mock', binding: mock })
    const at = new Recorder()
    port.start(at)
    port.write('hello')
    await until(() => at.bytes === 5)
    expect(at.text).toBe('hello')
    await port.setBaudRate(19_200)
    await port.setSignals({ dtr: false })
    expect(await port.getSignals()).toEqual({ cts: true, dsr: false, dcd: false })
    await port.flush('both')
    await expect(port.flush('in')).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
    port.close()
    expect((await port.closed).kind).toBe('closed')
  })

  it('says what it has not', async () => {
    await expect(connectSerial({ path: '/dev/none', binding: mock })).rejects.toMatchObject({ code: 'ERR_DEVICE_NOT_FOUND' })
    mock.createPort('/dev/mock')
    const port = await connectSerial({ path: '/dev/mock', binding: mock })
    await expect(connectSerial({ path: '/dev/mock', binding: mock })).rejects.toMatchObject({ code: 'ERR_DEVICE_BUSY' })
    port.abort()
  })

  it('may fail to close: that ends it at once, and says so', async () => {
    mock.createPort('/dev/mock')
    const refuses = new Error('no')
    const open: SerialBinding['open'] = async (options) => Object.assign(await mock.open(options), { close: () => Promise.reject(refuses) })
    const port = await connectSerial({ path: '/dev/mock', binding: { list: () => mock.list(), open } })
    port.start(new Recorder())
    port.close()
    expect(await port.closed).toMatchObject({ kind: 'gone', error: { code: 'ERR_DEVICE_GONE', cause: refuses } })
  })

  it('and the binding of the system fit the type', () => {
    const bindings: SerialBinding[] = [mock, SerialPort.binding]
    expect(bindings.length).toBe(2)
  })
})

describeWith('socat')('the binding of serialport as it is', () => {
  it('drives two ttys of the kernel', async () => {
    const { a, b, dispose } = await ptyPair()
    const binding = SerialPort.binding as SerialBinding
    const open = async (path: string) => {
      const port = await connectSerial({ path, baudRate: 115_200, binding })
      const at = new Recorder()
      port.start(at)
      return { port, at }
    }
    const one = await open(a)
    const other = await open(b)
    const data = pattern(300_000)
    one.port.write(data)
    other.port.write(data)
    await until(() => one.at.bytes === data.length && other.at.bytes === data.length)
    expect(other.at.data.equals(data)).toBe(true)
    expect(one.at.data.equals(data)).toBe(true)
    for (const { port } of [one, other]) {
      port.close()
      expect((await port.closed).kind).toBe('closed')
    }
    await dispose()
  })
})
