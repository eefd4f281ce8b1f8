/**
 * `node bench/allocations/check.mjs [--pin]`: holds the bytes that each operation allocates against bench/allocations/pinned.json. More than a tenth
 * more is a regression, a tenth less wants to be pinned. Exits 1 on either.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { operations } from './operations.mjs'

const file = fileURLToPath(new URL('./pinned.json', import.meta.url))
const measure = fileURLToPath(new URL('./measure.mjs', import.meta.url))
// Half a gigabyte of it: more than a measurement allocates.
const flags = ['--expose-gc', '--max-semi-space-size=512', '--min-semi-space-size=512']
/** Shares of the pinned figure, and bytes: the smallest are a few dozen. */
const tolerance = { share: 0.1, bytes: 16 }

/** @type {Record<string, number>} */
const pinned = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
/** @type {Record<string, number>} */
const measured = {}
let wrong = 0
for (const [name, { what }] of Object.entries(operations)) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, measure, name], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  const bytes = Number(stdout)
  const wanted = pinned[name] ?? NaN
  measured[name] = bytes
  const isRight = Math.abs(bytes - wanted) <= Math.max(tolerance.bytes, wanted * tolerance.share)
  if (!isRight) wrong++
  console.log(`${isRight ? 'right' : 'WRONG'}  ${name.padEnd(16)} ${String(bytes).padStart(6)} bytes, pinned ${Number.isNaN(wanted) ? 'nothing' : wanted}: ${what}`)
}
if (process.argv.includes('--pin')) writeFileSync(file, `${JSON.stringify(measured, undefined, 2)}\n`)
else if (wrong > 0) {
  console.error('if that is meant: node bench/allocations/check.mjs --pin')
  process.exitCode = 1
}
