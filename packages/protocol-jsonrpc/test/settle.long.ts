/** Fifty times as many runs. */
import './settle.test.ts'
