import type { Consumer, Producer } from '../../flow.ts'

/** What a recording producer does besides recording: called after the call was noted. */
export interface ProducerHooks {
  /** Inside `halfRegister`. */
  readonly halfRegister?: (consumer: Consumer) => void
  /** Inside `pause`. */
  readonly pause?: () => void
  /** Inside `resume`. */
  readonly resume?: () => void
  /** Inside `stop`. */
  readonly stop?: () => void
}

/** A producer that keeps what it was told. */
export interface RecordingProducer extends Producer {
  /** Names of the calls, in order. */
  readonly calls: ('halfRegister' | 'pause' | 'resume' | 'stop')[]
  /** What `halfRegister` was called with. */
  consumer: Consumer | undefined
}

/** A recording producer. */
export function recordProducer(hooks: ProducerHooks = {}): RecordingProducer {
  const producer: RecordingProducer = {
    calls: [],
    consumer: undefined,
    halfRegister(consumer) {
      producer.consumer = consumer
      producer.calls.push('halfRegister')
      hooks.halfRegister?.(consumer)
    },
    pause() {
      producer.calls.push('pause')
      hooks.pause?.()
    },
    resume() {
      producer.calls.push('resume')
      hooks.resume?.()
    },
    stop() {
      producer.calls.push('stop')
      hooks.stop?.()
    },
  }
  return producer
}
