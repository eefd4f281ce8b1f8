import type { JsonRpcError } from './errors.ts'
import type { Params } from './messages.ts'

/**
 * Methods as types: an interface, or the type of an object, whose members are functions of `(params)`. What they return is the result;
 * a `JsonRpcError<Data, Code>` among what they return is an error that callers can tell. `typeof` of a service's own functions is
 * one, so is `MethodsOf<typeof service>`.
 */
export type AnyMethods = { readonly [name: string]: (params: any, context: any) => unknown }

type IsAny<T> = 0 extends 1 & T ? true : false

/** What a method takes as params: `any` where nobody said. */
export type ParamsOf<M> = M extends (...args: infer A) => unknown ? (A extends readonly [] ? undefined : A[0]) : any

type Returned<M> = M extends (...args: never) => infer R ? Awaited<R> : unknown

/** What a call of the method resolves with: what it returns, without errors, as JSON brings it over. */
export type ResultOf<M> =
  IsAny<Returned<M>> extends true ? unknown
  : undefined extends Returned<M> ? Jsonified<Exclude<Returned<M>, JsonRpcError<any, any> | undefined>> | null
  : Jsonified<Exclude<Returned<M>, JsonRpcError<any, any>>>

/** The errors that a method says it returns; those that every method may have are not among them. */
export type DeclaredErrorOf<M> = IsAny<Returned<M>> extends true ? never : Extract<Returned<M>, JsonRpcError<any, any>>

/** The codes that the specification gives errors which no method declares. (JSON-RPC 2.0 §5.1) */
export type PredefinedCode = -32700 | -32600 | -32601 | -32602 | -32603 | -32000 | -32800

/** What a call of the method may be answered with instead of a result; `code` tells which, and so what `data` is. */
export type ErrorOf<M> = [DeclaredErrorOf<M>] extends [never] ? JsonRpcError : DeclaredErrorOf<M> | JsonRpcError<unknown, PredefinedCode>

/** What came of a call: a result, or the error that it was answered with. */
export type Outcome<M = (params: any) => unknown> =
  | { readonly ok: true; readonly result: ResultOf<M> }
  | { readonly ok: false; readonly error: ErrorOf<M> }

/** A value as JSON brings it over: what `toJSON` makes of it, without members that JSON leaves out. */
export type Jsonified<T> =
  IsAny<T> extends true ? unknown
  : T extends string | number | boolean | null ? T
  : T extends { toJSON(...args: any[]): infer J } ? Jsonified<J>
  : T extends readonly unknown[] ? { [K in keyof T]: undefined extends T[K] ? Jsonified<Exclude<T[K], undefined>> | null : Jsonified<T[K]> }
  : T extends undefined | void ? null
  : T extends (...args: any[]) => unknown ? null
  : T extends object ? { [K in keyof T as K extends symbol ? never : T[K] extends ((...args: any[]) => unknown) | undefined | symbol ? never : K]: Member<T, K> }
  : T

/** A member that is undefined is left out: it stays as optional as it was. */
type Member<T, K extends keyof T> =
  IsAny<T[K]> extends true ? unknown
  : Jsonified<Exclude<T[K], undefined>> | (Record<never, never> extends Pick<T, K> ? never : Extract<T[K], undefined>)

/** The arguments behind a method's name: params, which may be left out if the method takes none, and options. */
export type CallArguments<M, Options> =
  IsAny<ParamsOf<M>> extends true ? [params?: Params, options?: Options]
  : undefined extends ParamsOf<M> ? [params?: ParamsOf<M>, options?: Options]
  : [params: ParamsOf<M>, options?: Options]

/** One entry of a batch, of the methods `R`. */
export type BatchEntryOf<R extends object> = {
  [M in keyof R & string]: {
    /** The method's name. */
    readonly method: M
    /** Whether it is a notification: no answer. Default: false. */
    readonly notification?: boolean
  } & (IsAny<ParamsOf<R[M]>> extends true ? { readonly params?: Params }
  : undefined extends ParamsOf<R[M]> ? { readonly params?: ParamsOf<R[M]> }
  : { readonly params: ParamsOf<R[M]> })
}[keyof R & string]

/** What becomes of the entries of a batch: a promise for each. */
export type BatchResults<R extends object, E extends readonly BatchEntryOf<R>[]> = { -readonly [At in keyof E]: Promise<EntryResult<R, E[At]>> }

type EntryResult<R extends object, Entry> =
  Entry extends { readonly notification: true } ? undefined
  : Entry extends { readonly method: infer M extends keyof R & string } ? ResultOf<R[M]> | (Entry extends { readonly notification?: false } ? never : MaybeNotified<Entry>)
  : unknown

/** Of an entry that says at run time only whether it is a notification. */
type MaybeNotified<Entry> = Entry extends { readonly notification: boolean } ? undefined : never
