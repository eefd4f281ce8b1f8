export { memoryPair } from '../../core/src/testing/memory-pair.ts'
