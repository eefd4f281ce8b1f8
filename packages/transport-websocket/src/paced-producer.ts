import type { Producer, Transport } from '@async/core'

/** A producer, registered below; stopped once, by whoever is first. */
export class PacedProducer implements Producer {
  private readonly producer: Producer
  private readonly layer: Transport
  private stopped = false

  constructor(producer: Producer, layer: Transport) {
    this.producer = producer
    this.layer = layer
  }

  halfRegister(): void {
    this.producer.halfRegister(this.layer)
  }

  pause(): void {
    this.producer.pause()
  }

  resume(): void {
    this.producer.resume()
  }

  stop(): void {
    if (this.stopped) return
    this.stopped = true
    this.producer.stop()
  }
}
