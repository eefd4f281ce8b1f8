import { utf8Length } from '@async/core/base'
import { errorCodes, internalErrorMessage } from './errors.ts'
import { exceeds } from './limits.ts'
import { errorText } from './messages.ts'
import type { Id } from './messages.ts'

/** What the error that replaces a too long answer takes, with an id of usual length. */
const replacementBytes = 160

/**
 * The answers to one batch, in the order of its entries; sent when the last is there. The whole is a message, too: answers that would
 * make it too long are replaced by errors, so that as many calls as possible learn what became of them.
 */
export class BatchAnswer {
  private readonly answers: (string | undefined)[]
  private readonly maxMessageBytes: number
  private open = 0
  private bytes = 2

  constructor(entries: number, maxMessageBytes: number) {
    this.answers = new Array<string | undefined>(entries)
    this.maxMessageBytes = maxMessageBytes
  }

  /** One more answer is owed. */
  owe(): void {
    this.open++
  }

  /** Returns the text of the whole answer once it is complete. */
  put(index: number, text: string, id: Id): string | undefined {
    this.open--
    const bytes = utf8Length(text) + 1
    if (bytes > replacementBytes && this.bytes + bytes + this.open * replacementBytes > this.maxMessageBytes) {
      text = errorText(id, errorCodes.internalError, internalErrorMessage, { limit: 'maxMessageBytes', allowed: this.maxMessageBytes })
      this.bytes += utf8Length(text) + 1
    } else this.bytes += bytes
    this.answers[index] = text
    if (this.open > 0) return undefined
    const whole = `[${this.answers.filter((answer) => answer !== undefined).join(',')}]`
    if (!exceeds(whole, this.maxMessageBytes)) return whole
    return errorText(null, errorCodes.internalError, internalErrorMessage, { limit: 'maxMessageBytes', allowed: this.maxMessageBytes })
  }
}
