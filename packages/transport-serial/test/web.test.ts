import { VirtualClock } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { connectSerial, listSerialPorts, serialConnector } from '../src/web/index.ts'
import { SimulatedSerial } from '../src/testing/index.ts'
import { FakeWebSerialPort, fakeWebSerial } from './fake-web-serial.ts'
import { Recorder, turns } from './support.ts'

async function bench(options: Partial<Parameters<typeof connectSerial>[0]> = {}) {
  const clock = new VirtualClock()
  const world = new SimulatedSerial({ clock })
  const device = world.plugDevice({ path: 'usb' })
  const web = new FakeWebSerialPort(world, 'usb', { usbVendorId: 0x403, usbProductId: 0x6001 })
  const port = await connectSerial({ port: web, clock, ...options })
  const at = new Recorder()
  port.start(at)
  const pass = async (ms: number): Promise<void> => {
    await turns(6)
    for (let gone = 0; gone < ms; gone++) {
      clock.advance(1)
      await turns(3)
    }
  }
  return { clock, world, device, web, port, at, pass }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

describe('Web Serial', () => {
  it('carries data both ways', async () => {
    const { device, port, at, pass } = await bench()
    port.write('there')
    void device.write('and back')
    await pass(20)
    expect(text(device.received)).toBe('there')
    expect(at.text).toBe('and back')
  })

  it('sends what is queued before it closes, and can be opened again at once', async () => {
    const { device, web, port, pass } = await bench()
    port.write('x'.repeat(960))
    port.close()
    await pass(1010)
    expect((await port.closed).kind).toBe('closed')
    expect(device.received.length).toBe(960)
    const again = await connectSerial({ port: web })
    again.abort()
    await (await connectSerial({ port: web })).abort()
  })

  it('changes the rate by opening anew, behind what was written, and sets the lines again', async () => {
    const { device, port, at, pass } = await bench()
    await port.setSignals({ dtr: false })
    port.write('a'.repeat(96))
    const changed = port.setBaudRate(19_200)
    port.write('b'.repeat(96))
    await pass(102)
    await changed
    expect(text(device.take()).slice(0, 96)).toBe('a'.repeat(96))
    expect(port.baudRate).toBe(19_200)
    await pass(60)
    expect(text(device.take()).endsWith('b')).toBe(true)
    expect(device.hostSignals).toEqual({ dtr: false, rts: true })
    void device.write('still')
    await pass(20)
    expect(at.text).toBe('still')
  })

  it('goes on after errors of the line, and tells them', async () => {
    const errors: string[] = []
    const { device, at, pass } = await bench({ onLineError: (error) => errors.push(error) })
    device.break()
    await pass(5)
    void device.write('more')
    await pass(10)
    expect(errors).toEqual(['break'])
    expect(at.text.endsWith('more')).toBe(true)
    expect(at.reason).toBeUndefined()
  })

  it('is gone, once, when the device is', async () => {
    for (const busy of [false, true]) {
      const { device, port, at, pass } = await bench()
      if (busy) port.write('x'.repeat(10_000))
      await pass(5)
      device.unplug()
      await turns()
      expect([busy, at.losses, at.reason?.kind]).toEqual([busy, 1, 'gone'])
    }
  })

  it('drains with a deadline under flow control, and goes on', async () => {
    const { device, port, pass } = await bench({ rtscts: true })
    device.setSignals({ rts: false })
    port.write('held')
    const late = port.drain({ timeoutMs: 10 }).catch((error: { code: string }) => error.code)
    await pass(11)
    expect(await late).toBe('ERR_DRAIN_TIMEOUT')
    port.write(' and more')
    await pass(5)
    device.setSignals({ rts: true })
    await pass(30)
    expect(text(device.received)).toBe('held and more')
  })

  it('flushes in and out separately', async () => {
    const { device, port, at, pass } = await bench({ rtscts: true })
    device.setSignals({ rts: false })
    port.write('x'.repeat(9000))
    void device.write('kept')
    await pass(10)
    await port.flush('out')
    device.setSignals({ rts: true })
    port.write('next')
    await pass(30)
    expect(text(device.received).endsWith('next')).toBe(true)
    expect(device.received.length).toBeLessThan(100)
    expect(at.text).toBe('kept')
    port.pause('read')
    void device.write('old')
    await pass(10)
    await port.flush('in')
    port.resume('read')
    void device.write('new')
    await pass(10)
    expect(at.text).toBe('keptnew')
  })

  it('reads and sets the lines, and breaks', async () => {
    const { device, port, pass } = await bench()
    device.setSignals({ rts: true, dtr: true, dcd: false, ri: true })
    expect(await port.getSignals()).toEqual({ cts: true, dsr: true, dcd: false, ri: true })
    const broken: number[] = []
    device.onBreak = (ms) => broken.push(ms)
    const over = port.break(10)
    await pass(15)
    await over
    expect(broken).toEqual([10])
  })

  it('finds a port that the user allowed by its ids, and lists them', async () => {
    const world = new SimulatedSerial()
    world.plugDevice({ path: 'one' })
    world.plugDevice({ path: 'two' })
    const serial = fakeWebSerial(new FakeWebSerialPort(world, 'one', { usbVendorId: 1, usbProductId: 2 }), new FakeWebSerialPort(world, 'two', { usbVendorId: 0x403, usbProductId: 0x6001 }))
    expect(await listSerialPorts({ serial })).toEqual([
      { path: 'web:0', vendorId: '0001', productId: '0002' },
      { path: 'web:1', vendorId: '0403', productId: '6001' },
    ])
    const port = await connectSerial({ serial, vendorId: '0403' })
    expect(port.path).toBe('web:1')
    await expect(connectSerial({ serial, vendorId: '0403' })).rejects.toMatchObject({ code: 'ERR_DEVICE_BUSY' })
    await expect(connectSerial({ serial, vendorId: '9999' })).rejects.toMatchObject({ code: 'ERR_DEVICE_NOT_FOUND' })
    port.abort()
  })

  it.each([{ xon: true }, { dataBits: 5 }, { parity: 'mark' }, { stopBits: 1.5 }] as const)('refuses %j, which it does not have', async (options) => {
    const world = new SimulatedSerial()
    world.plugDevice({ path: 'usb' })
    await expect(connectSerial({ port: new FakeWebSerialPort(world, 'usb'), ...options })).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
  })

  it('says so where there is no Web Serial', async () => {
    await expect(listSerialPorts()).rejects.toMatchObject({ code: 'ERR_BINDING' })
    expect(() => serialConnector({})).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
