/**
 * Children end with us. When this process exits, or throws, its children are sent a signal from the 'exit' event, which is the last that a process
 * can do. A signal that ends us has no such event, so while there are children we listen for the three that usually come, and pass them on; unless
 * somebody else listens, who then decides what becomes of it.
 */
import type { ChildProcess } from 'node:child_process'

const children: Map<ChildProcess, NodeJS.Signals> = new Map()
const endings: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** Sends `signal` to `child` when this process ends before it. */
export function endWithUs(child: ChildProcess, signal: NodeJS.Signals): void {
  if (children.size === 0) {
    process.on('exit', endAll)
    for (const name of endings) process.on(name, passOn)
  }
  children.set(child, signal)
}

/** The child is over. */
export function forget(child: ChildProcess): void {
  if (!children.delete(child) || children.size > 0) return
  process.off('exit', endAll)
  for (const name of endings) process.off(name, passOn)
}

function endAll(): void {
  for (const [child, signal] of children) child.kill(signal)
}

function passOn(name: NodeJS.Signals): void {
  if (process.listenerCount(name) > 1) return
  endAll()
  process.off(name, passOn)
  process.kill(process.pid, name)
}
