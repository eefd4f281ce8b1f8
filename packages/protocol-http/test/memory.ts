export { memoryPair } from '../../core/src/testing/memory-pair.ts'
export { VirtualClock } from '../../core/src/testing/virtual-clock.ts'
