import type { Case } from '../kit/case.ts'
import { abortCases } from './abort.ts'
import { byNameCases } from './by-name.ts'
import { bytesCases } from './bytes.ts'
import { closeCases } from './close.ts'
import { flowCases } from './flow.ts'
import { halfCloseCases } from './half-close.ts'
import { listenerCases } from './listener.ts'
import { pauseCases } from './pause.ts'
import { reasonCases } from './reason.ts'
import { reentrancyCases } from './re-entrancy.ts'
import { startCases } from './start.ts'
import { writeCases } from './write.ts'

/** Every case for transports, by family. */
export const transportCases: readonly Case[] = [
  ...startCases, ...writeCases, ...pauseCases, ...closeCases, ...abortCases, ...halfCloseCases,
  ...flowCases, ...reasonCases, ...reentrancyCases, ...bytesCases, ...listenerCases, ...byNameCases,
]
