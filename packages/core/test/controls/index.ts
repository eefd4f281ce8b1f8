import type { Control } from './bend.ts'
import { byNameControls } from './by-name.ts'
import { listenerControls } from './listener.ts'
import { otherControls } from './rest.ts'
import { pauseAndCloseControls } from './pause-and-close.ts'
import { startAndWriteControls } from './start-and-write.ts'

/** Every control of the cases for transports. */
export const controls: readonly Control[] = [
  ...startAndWriteControls, ...pauseAndCloseControls, ...otherControls, ...listenerControls, ...byNameControls,
]
