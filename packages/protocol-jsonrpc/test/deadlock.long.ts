/** Fifty times as many runs. */
import './deadlock.test.ts'
