import { utf8Length } from '@async/core/base'
import type { Codec } from './codec.ts'
import { errorCodes, internalErrorMessage } from './errors.ts'
import { exceeds } from './limits.ts'
import type { Id } from './messages.ts'

/** What the error that replaces a too long answer takes, with an id of usual length. */
const replacementBytes = 160

/**
 * The answers to one batch, in the order of its entries; sent when the last is there. The whole is a message, too: answers that would
 * make it too long are replaced by errors, so that as many calls as possible learn what became of them.
 */
export class BatchAnswer {
  private readonly answers: (string | undefined)[]
  private readonly maxResponseBytes: number
  private readonly codec: Codec
  private open = 0
  private bytes = 2

  constructor(entries: number, maxResponseBytes: number, codec: Codec) {
    this.codec = codec
    this.answers = new Array<string | undefined>(entries)
    this.maxResponseBytes = maxResponseBytes
  }

  /** One more answer is owed. */
  owe(): void {
    this.open++
  }

  /** Returns the text of the whole answer once it is complete. */
  put(index: number, text: string, id: Id): string | undefined {
    this.open--
    const bytes = utf8Length(text) + 1
    if (bytes > replacementBytes && this.bytes + bytes + this.open * replacementBytes > this.maxResponseBytes) {
      text = this.codec.errorText(id, errorCodes.internalError, internalErrorMessage, { limit: 'maxResponseBytes', allowed: this.maxResponseBytes })
      this.bytes += utf8Length(text) + 1
    } else this.bytes += bytes
    this.answers[index] = text
    return this.whole()
  }

  /** One that was owed is not any more. Returns as `put`; undefined also if the batch has come to have no answer at all. */
  forgo(): string | undefined {
    this.open--
    return this.whole()
  }

  private whole(): string | undefined {
    if (this.open > 0 || this.bytes === 2) return undefined
    const whole = `[${this.answers.filter((answer) => answer !== undefined).join(',')}]`
    if (!exceeds(whole, this.maxResponseBytes)) return whole
    return this.codec.errorText(null, errorCodes.internalError, internalErrorMessage, { limit: 'maxResponseBytes', allowed: this.maxResponseBytes })
  }
}
