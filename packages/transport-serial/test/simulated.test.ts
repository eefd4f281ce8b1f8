import { VirtualClock } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { connectSerial, listSerialPorts, type SerialBinding, type SerialConnectOptions, type SerialTransport, serialConnector } from '../src/index.ts'
import { type SimulatedDevice, SimulatedSerial, type SimulatedSerialOptions } from '../src/testing/index.ts'
import { Recorder, turns } from './support.ts'

interface Bench {
  readonly clock: VirtualClock
  readonly binding: SimulatedSerial
  readonly device: SimulatedDevice
  readonly port: SerialTransport
  readonly at: Recorder
  /** Lets `ms` pass, a little at a time, with turns between. */
  pass(ms: number, stepMs?: number): Promise<void>
}

async function bench(options: Partial<SerialConnectOptions> = {}, how: SimulatedSerialOptions & { device?: Parameters<SimulatedSerial['plugDevice']>[1] } = {}): Promise<Bench> {
  const clock = new VirtualClock()
  const { device: settings, ...rest } = how
  const binding = new SimulatedSerial({ clock, ...rest })
  const device = binding.plugDevice({ path: '/dev/ttyUSB0', serialNumber: 'A1', vendorId: '0403', productId: '6001' }, settings)
  const port = await connectSerial({ path: '/dev/ttyUSB0', binding, clock, baudRate: 9600, ...options })
  const at = new Recorder()
  port.start(at)
  const pass = async (ms: number, stepMs = 1): Promise<void> => {
    await turns(4)
    for (let gone = 0; gone < ms; gone += stepMs) {
      clock.advance(stepMs)
      await turns(2)
    }
  }
  return { clock, binding, device, port, at, pass }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

describe('the pace of the line', () => {
  it('is that of the bits: 96 characters of 10 bits at 9600 baud take 100 ms', async () => {
    const { device, port, pass } = await bench()
    port.write('x'.repeat(96))
    await pass(99)
    expect(device.received.length).toBe(80)
    await pass(2)
    expect(device.received.length).toBe(96)
  })

  it('counts parity and stop bits: 80 characters of 12 bits take 100 ms', async () => {
    const { device, port, pass } = await bench({ parity: 'even', stopBits: 2 })
    port.write('x'.repeat(80))
    await pass(99)
    expect(device.received.length).toBe(64)
    await pass(2)
    expect(device.received.length).toBe(80)
  })

  it('damages what is sent at another rate', async () => {
    const { device, port, pass } = await bench({}, { device: { baudRate: 19_200 } })
    port.write('hello')
    await pass(20)
    expect(device.received.length).toBe(5)
    expect(text(device.received)).not.toBe('hello')
  })
})

describe('setBaudRate', () => {
  it('comes behind what was written before, on the wire, and before what is written after', async () => {
    const { device, port, pass } = await bench({}, { device: { baudRate: 9600 } })
    port.write('a'.repeat(960))
    const changed = port.setBaudRate(115_200).then(() => {
      expect(text(device.take())).toBe('a'.repeat(960))
      return device.setBaudRate(115_200)
    })
    port.write('b'.repeat(1000))
    await pass(999)
    expect(port.baudRate).toBe(9600)
    await pass(3)
    await changed
    expect(port.baudRate).toBe(115_200)
    await pass(100)
    expect(text(device.take())).toBe('b'.repeat(1000))
  })

  it('keeps its place among several, and writes of one turn', async () => {
    const { device, port, pass } = await bench()
    const rates: number[] = []
    for (const [index, rate] of [1200, 2400, 4800].entries()) {
      port.write(String(index))
      void port.setBaudRate(rate).then(() => rates.push(port.baudRate))
    }
    port.write('!')
    await pass(100)
    expect(rates).toEqual([1200, 2400, 4800])
    expect(text(device.received)).toBe('012!')
  })

  it('gives up after its time, and the rate is as it was', async () => {
    const { device, port, pass } = await bench({ rtscts: true })
    device.setSignals({ rts: false })
    port.write('held')
    const failed = port.setBaudRate(115_200, { timeoutMs: 50 }).catch((error: { code: string }) => error.code)
    await pass(51)
    expect(await failed).toBe('ERR_DRAIN_TIMEOUT')
    expect(port.baudRate).toBe(9600)
    device.setSignals({ rts: true })
    await pass(20)
    expect(text(device.received)).toBe('held')
  })

  it.each([0, -1, 1.5, NaN, '9600'])('refuses %s', async (rate) => {
    const { port } = await bench()
    await expect(port.setBaudRate(rate as number)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })
})

describe('drain', () => {
  it('resolves when all is on the wire, which is later than drained(0)', async () => {
    const { port, pass } = await bench()
    port.write('x'.repeat(96))
    await port.drained(0)
    let done = false
    const drained = port.drain().then(() => (done = true))
    await pass(99)
    expect(done).toBe(false)
    await pass(2)
    await drained
  })

  it('rejects after its time and with the signal, and the line goes on', async () => {
    const { device, port, pass } = await bench({ rtscts: true })
    device.setSignals({ rts: false })
    port.write('one')
    const late = port.drain({ timeoutMs: 10 }).catch((error: { code: string }) => error.code)
    const controller = new AbortController()
    const given = port.drain({ signal: controller.signal }).catch((error: Error) => error.message)
    controller.abort(new Error('enough'))
    await pass(11)
    expect([await late, await given]).toEqual(['ERR_DRAIN_TIMEOUT', 'enough'])
    port.write(' two')
    device.setSignals({ rts: true })
    await pass(20)
    expect(text(device.received)).toBe('one two')
  })

  it('rejects with the reason when the device goes', async () => {
    const { device, port } = await bench({ rtscts: true })
    device.setSignals({ rts: false })
    port.write('x')
    const drained = port.drain().catch((error: { code: string }) => error.code)
    await turns()
    device.unplug()
    expect(await drained).toBe('ERR_DEVICE_GONE')
    await expect(port.drain()).rejects.toMatchObject({ code: 'ERR_DEVICE_GONE' })
  })
})

describe('close', () => {
  it('sends what is queued, waits until it is on the wire, and closes', async () => {
    const { device, port, at, binding, pass } = await bench()
    port.write('x'.repeat(9600))
    port.close()
    await pass(9999, 3)
    expect(at.reason).toBeUndefined()
    await pass(5)
    expect(at.reason).toEqual({ kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 })
    expect(device.received.length).toBe(9600)
    expect(device.hostSignals).toEqual({ dtr: false, rts: false })
    await connectSerial({ path: '/dev/ttyUSB0', binding })
  })

  it('is an abort of kind timeout when flow control holds it back for too long', async () => {
    const { device, port, at, clock, pass } = await bench({ rtscts: true })
    device.setSignals({ rts: false })
    port.write('x')
    port.close({ timeoutMs: 100 })
    await pass(99)
    expect(at.reason).toBeUndefined()
    await pass(2)
    expect(at.reason?.kind).toBe('timeout')
    expect(clock.pendingCount).toBe(0)
  })

  it('drops DTR only if told to: hupcl', async () => {
    const { device, port } = await bench({ hupcl: false })
    port.close()
    await port.closed
    expect(device.hostSignals).toEqual({ dtr: true, rts: true })
  })
})

describe('abort', () => {
  it('sends nothing more, and the port can be opened again at once', async () => {
    const { device, port, at, binding, pass } = await bench()
    port.write('x'.repeat(10_000))
    await pass(50)
    port.abort()
    await port.closed
    expect(at.reason?.kind).toBe('aborted')
    const sent = device.received.length
    expect(sent).toBeLessThan(64)
    await connectSerial({ path: '/dev/ttyUSB0', binding })
    await pass(50)
    expect(device.received.length).toBe(sent)
  })
})

describe('signals', () => {
  it('are merged, never reset by omission', async () => {
    const { device, port } = await bench()
    await port.setSignals({ dtr: false })
    expect(device.hostSignals).toEqual({ dtr: false, rts: true })
    await port.setSignals({ rts: false })
    expect(device.hostSignals).toEqual({ dtr: false, rts: false })
    await Promise.all([port.setSignals({ dtr: true }), port.setSignals({ rts: true })])
    expect(device.hostSignals).toEqual({ dtr: true, rts: true })
    await port.setSignals({})
    expect(device.hostSignals).toEqual({ dtr: true, rts: true })
    await expect(port.setSignals({ dtr: 1 as never })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  it('are read', async () => {
    const { device, port } = await bench()
    device.setSignals({ rts: true, dtr: false, dcd: true, ri: true })
    expect(await port.getSignals()).toEqual({ cts: true, dsr: false, dcd: true, ri: true })
  })

  it('are as asked for, right after opening', async () => {
    const { device } = await bench({ dtr: false })
    expect(device.hostSignals).toEqual({ dtr: false, rts: true })
  })

  it('are remembered as the system left them, where that is not on', async () => {
    const simulated = new SimulatedSerial()
    const device = simulated.plugDevice({ path: 'x' })
    const binding = {
      list: () => simulated.list(),
      open: async (options: Parameters<SimulatedSerial['open']>[0]) => {
        const port = await simulated.open(options)
        await port.set({ dtr: true, rts: false })
        return Object.assign(port, { initialSignals: { dtr: true, rts: false } })
      },
    }
    const port = await connectSerial({ path: 'x', binding })
    await port.setSignals({ dtr: false })
    expect(device.hostSignals).toEqual({ dtr: false, rts: false })
    port.abort()
    await port.closed
    await connectSerial({ path: 'x', binding, dtr: false })
    expect(device.hostSignals).toEqual({ dtr: false, rts: false })
  })

  it('are left alone by a break', async () => {
    const { device, port, pass } = await bench()
    await port.setSignals({ dtr: false })
    const broken = port.break(5)
    await pass(6)
    await broken
    expect(device.hostSignals).toEqual({ dtr: false, rts: true })
  })
})

describe('break', () => {
  it('comes in its place, for its time', async () => {
    const { device, port, pass } = await bench()
    const events: string[] = []
    device.onData = (data) => events.push(text(data))
    device.onBreak = (ms) => events.push(`break ${ms}`)
    port.write('before')
    const over = port.break(250)
    port.write('after')
    await pass(300)
    await over
    expect(events).toEqual(['before', 'break 250', '\0', 'after'])
  })

  it('is rejected when the connection ends in the midst of it, and leaves no timer', async () => {
    const { clock, port, pass } = await bench()
    const over = port.break(250).catch((error: { code: string }) => error.code)
    await pass(100)
    port.abort()
    expect(await over).toBe('ERR_ABORTED')
    expect(clock.pendingCount).toBe(0)
  })

  it('that comes is one zero byte, and told', async () => {
    const errors: string[] = []
    const { device, at } = await bench({ onLineError: (error) => errors.push(error) })
    device.break()
    await turns()
    expect([...at.data]).toEqual([0])
    expect(errors).toEqual(['break'])
  })
})

describe('flush', () => {
  it('out discards what was written and is not on the wire, and counts what was ours', async () => {
    const { device, port, at, pass } = await bench()
    port.write('x'.repeat(20_000))
    await pass(10)
    await device.write('kept')
    await pass(10)
    await port.flush('out')
    await port.drained(0)
    expect(port.queuedBytes).toBe(0)
    const sent = device.received.length
    port.write('next')
    await pass(60)
    expect(text(device.received.subarray(0, 32))).toBe('x'.repeat(32))
    // What the UART has begun to send, and what it began between the two flushes.
    expect(device.received.length - sent).toBeLessThanOrEqual(16 + 16 + 4)
    expect(text(device.received).endsWith('next')).toBe(true)
    expect(at.text).toBe('kept')
    port.close()
    await pass(5)
    // Two buffers of 4 KiB were the system's at most.
    expect(at.reason?.unsentBytes).toBeGreaterThan(11_000)
    expect(at.reason?.unsentBytes).toBeLessThanOrEqual(20_000)
  })

  it('in discards what came and was not delivered, and leaves what is to be sent', async () => {
    const { device, port, at, pass } = await bench()
    port.pause('read')
    await device.write('old')
    await pass(10)
    port.write('mine')
    await port.flush('in')
    port.resume('read')
    await pass(10)
    await device.write('new')
    await pass(10)
    expect(at.text).toBe('new')
    expect(text(device.received)).toBe('mine')
    port.abort()
    expect((await port.closed).unreadBytes).toBe(3)
  })

  it('resumes a producer that a full queue had paused', async () => {
    const { port } = await bench()
    const calls: string[] = []
    port.register({ halfRegister() {}, pause: () => calls.push('pause'), resume: () => calls.push('resume'), stop: () => calls.push('stop') })
    port.write('x'.repeat(100_000))
    const flushed = port.flush('both')
    expect(calls).toEqual(['pause'])
    await flushed
    await turns()
    expect(calls).toEqual(['pause', 'resume'])
  })

  it('of one direction is refused where the port can only do both', async () => {
    const simulated = new SimulatedSerial()
    simulated.plugDevice({ path: 'x' })
    const binding = {
      list: () => simulated.list(),
      open: async (options: Parameters<SimulatedSerial['open']>[0]) => Object.defineProperty(await simulated.open(options), 'flushesSeparately', { value: false }),
    }
    const port = await connectSerial({ path: 'x', binding })
    await expect(port.flush('in')).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
    await port.flush('both')
    await expect(port.flush('all' as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    port.abort()
  })
})

describe('flow control', () => {
  it('rtscts holds the other side back while paused, and nothing is lost', async () => {
    const { device, port, at, pass } = await bench({ rtscts: true }, { pacing: false, device: { rtscts: true } })
    port.pause('read')
    void device.write('x'.repeat(20_000))
    await turns(50)
    expect(device.hostSignals.rts).toBe(false)
    port.resume('read')
    await turns(200)
    expect(at.bytes).toBe(20_000)
    await pass(0)
    expect(port.info.pausable).toBe(true)
  })

  it('without it what does not fit is lost, and told', async () => {
    const errors: string[] = []
    const { device, port, at } = await bench({ onLineError: (error) => errors.push(error) }, { pacing: false })
    expect(port.info.pausable).toBe(false)
    port.pause('read')
    void device.write('x'.repeat(20_000))
    await turns(50)
    port.resume('read')
    await turns(50)
    expect(at.bytes).toBeLessThan(20_000)
    expect(errors).toContain('overrun')
  })

  it('xon and xoff stop and go, and vanish from the data; off, they are data', async () => {
    const on = await bench({ xon: true })
    on.port.write('12345678901234567890123456789012')
    await on.pass(5)
    await on.device.write(Uint8Array.of(65, 0x13, 66))
    await on.pass(100)
    const held = on.device.received.length
    expect(held).toBeLessThan(32)
    await on.device.write(Uint8Array.of(0x11))
    await on.pass(50)
    expect(on.device.received.length).toBe(32)
    expect(on.at.text).toBe('AB')
    const off = await bench()
    await off.device.write(Uint8Array.of(65, 0x13, 0x11, 66))
    await off.pass(10)
    expect([...off.at.data]).toEqual([65, 0x13, 0x11, 66])
  })
})

describe('noise', () => {
  it('damages what comes, the same for the same seed', async () => {
    const hear = async (): Promise<string> => {
      const { device, at, pass } = await bench()
      device.setNoise({ bitErrorRate: 0.05, seed: 3 })
      await device.write('x'.repeat(200))
      await pass(220)
      return at.text
    }
    const heard = await hear()
    expect(heard.length).toBe(200)
    expect(heard).not.toBe('x'.repeat(200))
    expect(await hear()).toBe(heard)
  })

  it('is found by parity, where one bit is wrong: the character is dropped, and told', async () => {
    const errors: string[] = []
    const { device, at, pass } = await bench({ parity: 'odd', onLineError: (error) => errors.push(error) }, { device: { parity: 'odd' } })
    device.setNoise({ bitErrorRate: 0.01, seed: 3 })
    await device.write('x'.repeat(200))
    await pass(250)
    expect(errors.length).toBeGreaterThan(0)
    expect(at.bytes).toBe(200 - errors.filter((error) => error === 'parity').length)
  })
})

describe('unplugging', () => {
  it('is one reason of kind gone, whoever notices it first', async () => {
    for (const busy of ['reading', 'writing', 'draining', 'paused and writing'] as const) {
      const { device, port, at, pass } = await bench({ rtscts: true })
      if (busy === 'paused and writing') port.pause('read')
      if (busy !== 'reading') {
        device.setSignals({ rts: false })
        port.write('x'.repeat(busy === 'draining' ? 10 : 10_000))
      }
      const drained = busy === 'draining' ? port.drain().catch((error: { code: string }) => error.code) : undefined
      await pass(2)
      device.unplug()
      await turns()
      expect([busy, at.losses, at.reason?.kind]).toEqual([busy, 1, 'gone'])
      expect(at.reason).toMatchObject({ error: { code: 'ERR_DEVICE_GONE', phase: 'open' } })
      if (drained !== undefined) expect(await drained).toBe('ERR_DEVICE_GONE')
      expect(() => port.write('x')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    }
  })

  it('delivers what came before', async () => {
    const { device, port, at, pass } = await bench()
    port.pause('read')
    await device.write('last words')
    await pass(20)
    device.unplug()
    await turns()
    expect(at.reason).toBeUndefined()
    port.resume('read')
    await turns()
    expect(at.text).toBe('last words')
    expect(at.reason?.kind).toBe('gone')
  })

  it('is told at once to who waits for the line, also while what came before is held', async () => {
    const { device, port, at, pass } = await bench({ rtscts: true })
    port.pause('read')
    await device.write('held')
    await pass(10)
    device.setSignals({ rts: false })
    port.write('x')
    const waiting = [port.drain(), port.setBaudRate(1200), port.break(5)].map((promise) => promise.catch((error: { code: string }) => error.code))
    await turns()
    device.unplug()
    expect(await Promise.all(waiting)).toEqual(['ERR_DEVICE_GONE', 'ERR_DEVICE_GONE', 'ERR_DEVICE_GONE'])
    expect(at.reason).toBeUndefined()
    port.resume('read')
    await port.closed
    expect(at.text).toBe('held')
  })

  it('while closing is gone, too', async () => {
    const { device, port, at, pass } = await bench()
    port.write('x'.repeat(1000))
    port.close()
    await pass(10)
    device.unplug()
    await turns()
    expect(at.reason?.kind).toBe('gone')
  })

  it('and plugging in again: found by its number on another path', async () => {
    const { clock, binding, device, port } = await bench()
    device.unplug()
    expect((await port.closed).kind).toBe('gone')
    const connector = serialConnector({ serialNumber: 'A1', binding, clock, waitForDeviceMs: 10_000 })
    const connecting = connector.connect()
    await turns()
    clock.advance(250)
    await turns()
    device.replug('/dev/ttyUSB1')
    clock.advance(250)
    const again = await connecting
    expect(again.path).toBe('/dev/ttyUSB1')
    const at = new Recorder()
    again.start(at)
    void device.write('back')
    await turns()
    clock.advance(100)
    await turns()
    expect(at.text).toBe('back')
    again.abort()
  })
})

describe('no bytes', () => {
  it('are no end', async () => {
    const { device, at, pass } = await bench()
    device.giveNothing(5)
    await device.write('x')
    await pass(10)
    expect(at.text).toBe('x')
    expect(at.reason).toBeUndefined()
  })
})

describe('hanging up', () => {
  it('is the end by the peer, where it is asked for', async () => {
    const { device, at, pass } = await bench({ hangUpOn: 'dcd' })
    await device.write('bye')
    await pass(10)
    device.setSignals({ dcd: false })
    await turns()
    expect(at.text).toBe('bye')
    expect(at.reason).toEqual({ kind: 'closed', by: 'peer', unsentBytes: 0, unreadBytes: 0 })
  })

  it('is nothing by default, and nothing before the line was on', async () => {
    const { device, at } = await bench()
    device.setSignals({ dtr: false })
    await turns()
    expect(at.reason).toBeUndefined()
  })

  it('with data that nobody took is gone', async () => {
    const { device, port, at } = await bench({ hangUpOn: 'dsr', rtscts: true })
    device.setSignals({ rts: false })
    port.write('x'.repeat(10_000))
    await turns()
    device.setSignals({ dtr: false })
    await turns()
    expect(at.reason).toMatchObject({ kind: 'gone', error: { code: 'ERR_HUNG_UP' } })
  })
})

describe('opening', () => {
  it('is exclusive', async () => {
    const { binding } = await bench()
    await expect(connectSerial({ path: '/dev/ttyUSB0', binding })).rejects.toMatchObject({ code: 'ERR_DEVICE_BUSY', phase: 'connect' })
  })

  it('finds a device by its numbers, and says what it does not find', async () => {
    const binding = new SimulatedSerial()
    binding.plugDevice({ path: 'one', serialNumber: '1', vendorId: '0403' })
    binding.plugDevice({ path: 'two', serialNumber: '2', vendorId: '0403' })
    expect((await listSerialPorts({ binding })).map(({ path }) => path)).toEqual(['one', 'two'])
    const port = await connectSerial({ serialNumber: '2', binding })
    expect(port.path).toBe('two')
    port.abort()
    await expect(connectSerial({ serialNumber: '3', binding })).rejects.toMatchObject({ code: 'ERR_DEVICE_NOT_FOUND' })
    await expect(connectSerial({ vendorId: '0403', binding })).rejects.toMatchObject({ code: 'ERR_DEVICE_AMBIGUOUS' })
    await expect(connectSerial({ path: 'three', binding })).rejects.toMatchObject({ code: 'ERR_DEVICE_NOT_FOUND', phase: 'connect' })
  })

  it('is given up with the signal, at once', async () => {
    const { binding, clock } = await bench()
    const controller = new AbortController()
    const waiting = connectSerial({ serialNumber: 'none', binding, clock, waitForDeviceMs: 1e9, signal: controller.signal }).catch((error: Error) => error.message)
    await turns()
    controller.abort(new Error('enough'))
    expect(await waiting).toBe('enough')
    expect(clock.pendingCount).toBe(0)
  })

  it('does not open a port for who has given up: that would move its lines', async () => {
    const clock = new VirtualClock()
    const desk = new SimulatedSerial({ clock })
    const opened: string[] = []
    const binding: SerialBinding = { list: () => desk.list(), open: (options) => (opened.push(options.path), desk.open(options)) }
    const sleeping = new AbortController()
    const first = connectSerial({ serialNumber: 'A1', binding, clock, waitForDeviceMs: 1000, signal: sleeping.signal }).catch((error: Error) => error.message)
    await turns()
    desk.plugDevice({ path: '/dev/ttyUSB0', serialNumber: 'A1' })
    sleeping.abort(new Error('enough'))
    const looking = new AbortController()
    const second = connectSerial({ serialNumber: 'A1', binding, clock, signal: looking.signal }).catch((error: Error) => error.message)
    looking.abort(new Error('too much'))
    expect([await first, await second]).toEqual(['enough', 'too much'])
    await turns()
    expect([opened, clock.pendingCount]).toEqual([[], 0])
  })

  it.each([
    [{}, 'path'], [{ path: '' }, 'path'], [{ path: 'x', serialNumber: '1' }, 'path'], [{ path: 'x', baudRate: 0 }, 'baudRate'], [{ path: 'x', baudRate: '9600' }, 'baudRate'],
    [{ path: 'x', dataBits: 9 }, 'dataBits'], [{ path: 'x', stopBits: 3 }, 'stopBits'], [{ path: 'x', parity: 'evn' }, 'parity'], [{ path: 'x', rtscts: 'yes' }, 'rtscts'],
    [{ path: 'x', rtscts: true, rts: false }, 'rts with rtscts'], [{ path: 'x', hangUpOn: 'cts' }, 'hangUpOn'], [{ path: 'x', waitForDeviceMs: -1 }, 'waitForDeviceMs'],
  ])('refuses %j', (options, words) => {
    expect(() => serialConnector(options as SerialConnectOptions)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(words) }))
  })
})
