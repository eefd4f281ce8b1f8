import type { Consumer, Producer } from '../flow.ts'

/** A producer as the consumer below a layer sees it: paced from there, while `halfRegister` names the layer that it was registered with. */
export class ForwardedProducer implements Producer {
  private readonly producer: Producer
  private readonly consumer: Consumer

  constructor(producer: Producer, consumer: Consumer) {
    this.producer = producer
    this.consumer = consumer
  }

  halfRegister(): void {
    this.producer.halfRegister(this.consumer)
  }

  pause(): void {
    this.producer.pause()
  }

  resume(): void {
    this.producer.resume()
  }

  stop(): void {
    this.producer.stop()
  }
}
