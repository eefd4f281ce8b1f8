import { vi } from 'vitest'

/** What is logged, and not shown: import it before what logs while it is imported. */
export const log = vi.spyOn(console, 'log').mockImplementation(() => {})
