/**
 * `node bench/allocations/check.mjs [--pin]`: holds the bytes that each operation allocates against bench/allocations/pinned.json. More than 15 %
 * more is a regression, as much less wants to be pinned. Exits 1 on either.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundle } from '../../scripts/bundle.mjs'
import { operations } from './operations.mjs'

const file = fileURLToPath(new URL('./pinned.json', import.meta.url))
const measure = fileURLToPath(new URL('./measure.mjs', import.meta.url))
// Half a gigabyte of it: more than a measurement allocates. In one thread, or what the compiler knows when it optimises depends on how busy the machine is.
const flags = ['--expose-gc', '--max-semi-space-size=512', '--min-semi-space-size=512', '--single-threaded', '--hash-seed=1', '--random-seed=1']
/** Now and then the compiler inlines something less all the same, for a process's whole life: what is wrong is measured again. */
const attempts = 5
/** Shares of the pinned figure, and bytes: the smallest are a few dozen. */
const tolerance = { share: 0.15, bytes: 32 }

/** @type {Record<string, number>} */
const pinned = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
/** @type {Record<string, number>} */
const measured = {}
const pins = process.argv.includes('--pin')

/** @param {string} name */
function bytesOf(name) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, measure, name], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return Number(stdout)
}

// What the packages' names lead to.
await bundle()
let wrong = 0
for (const [name, { what }] of Object.entries(operations)) {
  const wanted = pinned[name] ?? NaN
  const isRight = (/** @type {number} */ bytes) => Math.abs(bytes - wanted) <= Math.max(tolerance.bytes, wanted * tolerance.share)
  let bytes = bytesOf(name)
  // The least of all is pinned: what every process can reach.
  for (let attempt = 1; attempt < attempts && (pins || !isRight(bytes)); attempt++) bytes = pins ? Math.min(bytes, bytesOf(name)) : bytesOf(name)
  measured[name] = bytes
  if (!isRight(bytes)) wrong++
  console.log(`${isRight(bytes) ? 'right' : 'WRONG'}  ${name.padEnd(16)} ${String(bytes).padStart(6)} bytes, pinned ${Number.isNaN(wanted) ? 'nothing' : wanted}: ${what}`)
}
if (pins) writeFileSync(file, `${JSON.stringify(measured, undefined, 2)}\n`)
else if (wrong > 0) {
  console.error('if that is meant: node bench/allocations/check.mjs --pin')
  process.exitCode = 1
}
