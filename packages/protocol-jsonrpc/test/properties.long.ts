/** The properties, with fifty times as many runs. */
await import('./deadlock.test.ts')
await import('./settle.test.ts')

export {}
