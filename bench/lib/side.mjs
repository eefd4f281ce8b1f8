/**
 * One side of a measurement, in a process of its own: a module whose exported functions are called by name, and whose use of the CPU and
 * of memory is read from outside its loop.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { pins } from './programs.mjs'

const main = fileURLToPath(new URL('./side-main.mjs', import.meta.url))

/** @typedef {{ cpuMicros: number, rssBytes: number, peakBytes: number }} Usage */

/** A running side. */
export class Side {
  /** @param {import('node:child_process').ChildProcess} child */
  constructor(child) {
    this.child = child
    this.next = 0
    /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
    this.waiting = new Map()
    child.on('message', (/** @type {any} */ { id, result, error }) => {
      const waiter = this.waiting.get(id)
      this.waiting.delete(id)
      if (error === undefined) waiter?.resolve(result)
      else waiter?.reject(new Error(error))
    })
    /** What it said last, for the error. */
    let said = ''
    child.stderr?.on('data', (data) => (said = (said + String(data)).slice(-2000)))
    child.on('close', (code, signal) => {
      const why = /^\w*Error.*$/m.exec(said)?.[0] ?? said.trim()
      for (const { reject } of this.waiting.values()) reject(new Error(`the process of this side ended (${signal ?? code}): ${why}`))
      this.waiting.clear()
    })
  }

  /** Calls an exported function of the side's module. @param {string} name @param {...any} args @returns {Promise<any>} */
  call(name, ...args) {
    const id = this.next++
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      this.child.send({ id, name, args })
    })
  }

  /** What the process has used since it began. @returns {Promise<Usage>} */
  usage() {
    return this.call('#usage')
  }

  /** Runs `work`, and says what the side used of the CPU meanwhile. @param {() => Promise<any>} work */
  async during(work) {
    const before = await this.usage()
    const result = await work()
    const after = await this.usage()
    return { result, cpuMicros: after.cpuMicros - before.cpuMicros, rssBytes: after.rssBytes }
  }

  async end() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    this.child.kill('SIGKILL')
    await once(this.child, 'exit')
  }
}

/**
 * Starts a side. @param {URL} module @param {'server' | 'load'} core @param {string[]} [flags] of Node
 */
export async function startSide(module, core, flags = []) {
  const args = [...flags, main, module.href]
  const options = /** @type {const} */ ({ stdio: ['ignore', 'inherit', 'pipe', 'ipc'], serialization: 'advanced' })
  const child = pins === undefined
    ? fork(main, [module.href], { ...options, stdio: [...options.stdio], execArgv: flags })
    : fork(process.execPath, args, { ...options, stdio: [...options.stdio], execPath: 'taskset', execArgv: ['-c', pins[core]] })
  const side = new Side(child)
  await side.call('#usage')
  return side
}
