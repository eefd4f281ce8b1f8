import { UsageError } from '@async/core'
import type { Data } from '@async/core'
import type { Entry, Id, Params } from './messages.ts'
import { parse, recognise } from './read.ts'
import { recogniseOld } from './read-old.ts'

/** The third argument of a reviver, where the runtime has it (Node from 22 on): the value's own text, if it is a string, a number … */
export interface ReviverContext {
  readonly source?: string
}

/** As the second argument of `JSON.parse`. */
export type Reviver = (this: any, key: string, value: any, context?: ReviverContext) => unknown

/** As the second argument of `JSON.stringify`. */
export type Replacer = (this: any, key: string, value: any) => unknown

/** How messages are read and written. */
export interface CodecOptions {
  /**
   * Which JSON-RPC is spoken. `'1.0'`: every message has all three members, params are by position, an id of null makes a notification,
   * there are no batches, and what is invalid ends the connection (1.0 §1, §2.1). Default `'2.0'`.
   */
  readonly version?: '2.0' | '1.0'
  /**
   * Sees every value of every message that comes, as `JSON.parse` has it: for integers above 2^53, dates and the like. It makes
   * parsing several times slower. Default: none.
   */
  readonly reviver?: Reviver
  /** Sees every value of params, results and error data that are sent, as `JSON.stringify` has it: for bigints and the like. Default: none. */
  readonly replacer?: Replacer
}

/** Texts to values and back, in one of the two versions. */
export class Codec {
  /** 1.0. */
  readonly old: boolean
  private readonly maxDepth: number
  private readonly reviver: Reviver | undefined
  private readonly replacer: Replacer | undefined

  constructor(options: CodecOptions, maxDepth: number) {
    if (options.version !== undefined && options.version !== '2.0' && options.version !== '1.0') {
      throw new UsageError('ERR_INVALID_ARGUMENT', `version is '2.0' or '1.0', not ${JSON.stringify(options.version)}`)
    }
    this.old = options.version === '1.0'
    this.reviver = options.reviver
    this.replacer = options.replacer
    this.maxDepth = maxDepth
  }

  /**
   * The JSON value of a message.
   * @throws ProtocolError `ERR_JSONRPC_PARSE`, LimitError `ERR_JSONRPC_NESTED_TOO_DEEP`.
   */
  parse(data: Data): unknown {
    return parse(data, this.maxDepth, this.reviver)
  }

  /** What one JSON value is. */
  recognise(value: unknown): Entry {
    return this.old ? recogniseOld(value) : recognise(value)
  }

  /**
   * The text of a call (with an id) or a notification (without).
   * @throws UsageError `ERR_INVALID_ARGUMENT` for a method that is not a string, and for params that are neither array nor object or
   * that JSON cannot carry.
   */
  requestText(method: string, params: Params | undefined, id: number | undefined): string {
    if (typeof method !== 'string') throw new UsageError('ERR_INVALID_ARGUMENT', `a method is named by a string, not by ${typeof method}`)
    if (this.old) {
      const text = params === undefined ? '[]' : this.paramsText(method, params)
      return `{"method":${JSON.stringify(method)},"params":${text},"id":${id === undefined ? 'null' : id}}`
    }
    const end = id === undefined ? '}' : `,"id":${id}}`
    const start = `{"jsonrpc":"2.0","method":${JSON.stringify(method)}`
    return params === undefined ? start + end : `${start},"params":${this.paramsText(method, params)}${end}`
  }

  /**
   * The text of an answer that has a result; undefined counts as null.
   * @throws TypeError or RangeError, as JSON.stringify has it, for a result that JSON cannot carry.
   */
  resultText(id: Id, result: unknown): string {
    const text = result === undefined ? 'null' : (JSON.stringify(result, this.replacer) as string | undefined)
    if (text === undefined) throw new TypeError(`JSON cannot carry a ${typeof result}`)
    return this.old ? `{"result":${text},"error":null,"id":${idText(id)}}` : `{"jsonrpc":"2.0","result":${text},"id":${idText(id)}}`
  }

  /**
   * The text of an answer that has an error; `data` is left out when undefined.
   * @throws as `resultText`, for data that JSON cannot carry.
   */
  errorText(id: Id, code: number, message: string, data?: unknown): string {
    const more = data === undefined ? undefined : (JSON.stringify(data, this.replacer) as string | undefined)
    const error = `{"code":${code},"message":${JSON.stringify(message)}${more === undefined ? '' : `,"data":${more}`}}`
    return this.old ? `{"result":null,"error":${error},"id":${idText(id)}}` : `{"jsonrpc":"2.0","error":${error},"id":${idText(id)}}`
  }

  private paramsText(method: string, params: Params): string {
    let text: string | undefined
    try {
      text = JSON.stringify(params, this.replacer)
    } catch (cause) {
      throw new UsageError('ERR_INVALID_ARGUMENT', `${method}: JSON cannot carry these params`, { cause })
    }
    // Asked of the text, because toJSON may have made anything of the value.
    if (text === undefined || (text[0] !== '[' && (text[0] !== '{' || this.old))) {
      throw new UsageError('ERR_INVALID_ARGUMENT', `${method}: params are an array${this.old ? '' : ' or an object'}`)
    }
    return text
  }
}

function idText(id: Id): string {
  return typeof id === 'number' ? String(id) : typeof id === 'bigint' ? id.toString() : JSON.stringify(id)
}

