import { ProtocolError, UsageError } from '@async/core'
import { invalidParams, isJsonRpcError } from './errors.ts'
import type { JsonRpcError } from './errors.ts'
import { isStandardSchema, issuesOf } from './standard-schema.ts'
import type { InputOf, Issue, OutputOf, StandardResult, StandardSchema } from './standard-schema.ts'
import type { Context, Handler } from './service.ts'

/** What is known of a method beside its name. Schemas are Standard Schemas: zod's, valibot's, arktype's and others'. */
export interface MethodDefinition {
  /** Of the params: an array or a tuple (by position), an object (by name). A method without takes what comes. */
  readonly params?: StandardSchema<any, any>
  /** Of the result. */
  readonly result?: StandardSchema<any, any>
  /** Errors that the method returns or throws, by a name of yours. */
  readonly errors?: { readonly [name: string]: ErrorDefinition }
  /** What it does, in a line. */
  readonly summary?: string
  /** What it does, at length. */
  readonly description?: string
  /** Whether it is better not called any more. */
  readonly deprecated?: boolean
}

/** One error of a method. */
export interface ErrorDefinition {
  /** An integer of yours: outside of −32768 to −32000. */
  readonly code: number
  /** One sentence. */
  readonly message: string
  /** Of the error's `data`. */
  readonly data?: StandardSchema<any, any>
}

/** Methods by name, defined before anybody carries them out: what both sides share. */
export type Contract = { readonly [name: string]: MethodDefinition }

/** The errors of a definition, as types. */
type ErrorsOf<D> = D extends { readonly errors: infer E }
  ? { [K in keyof E]: E[K] extends { readonly code: infer C extends number } ? JsonRpcError<E[K] extends { readonly data: infer S } ? OutputOf<S> : undefined, C> : never }[keyof E]
  : never

/** A contract's methods as types, for who calls them: params as the schemas take them, results as they give them. */
export type ApiOf<C extends Contract> = {
  readonly [M in keyof C]: (
    params: C[M] extends { readonly params: infer P } ? InputOf<P> : any,
  ) => (C[M] extends { readonly result: infer S } ? OutputOf<S> : unknown) | ErrorsOf<C[M]>
}

/** What a handler of a definition returns: a result as the schema takes it, an error of the definition, or a promise of one of them. */
export type ReturnOf<D extends MethodDefinition> = Awaitable<(D extends { readonly result: infer S } ? InputOf<S> : unknown) | ErrorsOf<D> | JsonRpcError<unknown, -32602>>

type Awaitable<T> = T | PromiseLike<T>

/** A handler of a definition: params as the schema gives them. */
export type HandlerOf<D extends MethodDefinition> = {
  handle(params: D extends { readonly params: infer P } ? OutputOf<P> : any, context: Context<any>): ReturnOf<D>
}['handle']

/** A function that `method` made, as whoever calls it sees it. */
export type DefinedMethod<D extends MethodDefinition> = (
  params: D extends { readonly params: infer P } ? InputOf<P> : any,
  context: Context,
) => Awaitable<(D extends { readonly result: infer S } ? OutputOf<S> : unknown) | ErrorsOf<D>>

const definitions = new WeakMap<Handler, MethodDefinition>()

/** What `handler` was made of, if `method` made it. */
export function definitionOf(handler: Handler): MethodDefinition | undefined {
  return definitions.get(handler)
}

/**
 * A handler that checks. Params that the schema refuses are answered −32602, with a list of `Issue` as `data`; `run` gets them as the
 * schema gives them (with defaults, coerced, …). A result that the schema refuses is a fault of ours: −32603, and reported once. (Errors that
 * `run` returns or throws are not checked.)
 * @throws UsageError `ERR_INVALID_ARGUMENT` for what is no function, or no Standard Schema.
 */
export function method<const D extends MethodDefinition>(definition: D, run: HandlerOf<D>): DefinedMethod<D> {
  const { params: paramsSchema, result: resultSchema } = definition
  if (typeof run !== 'function') throw new UsageError('ERR_INVALID_ARGUMENT', 'a method is made of a definition and a function')
  for (const schema of [paramsSchema, resultSchema]) {
    if (schema !== undefined && !isStandardSchema(schema)) throw new UsageError('ERR_INVALID_ARGUMENT', 'params and result are Standard Schemas')
  }
  const checkResult = (result: unknown): unknown => (resultSchema === undefined || isJsonRpcError(result) ? result : checked(resultSchema, result, badResult))
  const runChecked = (params: unknown, context: Context): unknown => {
    const result = (run as Handler)(params, context)
    return isPromise(result) ? Promise.resolve(result).then(checkResult) : checkResult(result)
  }
  const handler: Handler = (params: unknown, context: Context): unknown => {
    if (paramsSchema === undefined) return runChecked(params, context)
    const found = paramsSchema['~standard'].validate(params)
    if (isPromise(found)) return Promise.resolve(found as Promise<StandardResult<unknown>>).then((later) => runChecked(valueOf(later, badParams), context))
    return runChecked(valueOf(found as StandardResult<unknown>, badParams), context)
  }
  definitions.set(handler, definition)
  return handler as DefinedMethod<D>
}

/** A handler for each method of a contract. */
export type HandlersOf<C extends Contract> = { readonly [M in keyof C]: HandlerOf<C[M]> }

/**
 * Handlers for all methods of a contract, each checked as `method` does it: what `createService` takes.
 * @throws UsageError `ERR_INVALID_ARGUMENT` as `method`, also for a method without a handler.
 */
export function implement<const C extends Contract>(contract: C, handlers: HandlersOf<NoInfer<C>>): { readonly [M in keyof C]: DefinedMethod<C[M]> } {
  const made = Object.entries(contract).map(([name, definition]) => [name, method(definition, handlers[name] as HandlerOf<MethodDefinition>)] as const)
  return Object.fromEntries(made) as { readonly [M in keyof C]: DefinedMethod<C[M]> }
}

/**
 * The result of a call, as the contract of the other side has it, if it has one for this method.
 * @throws (rejects) ProtocolError `ERR_JSONRPC_INVALID_RESULT`.
 */
export function checkedResult(remote: Contract | undefined, name: string, call: Promise<unknown>): Promise<unknown> {
  const schema = remote !== undefined && Object.hasOwn(remote, name) ? remote[name]!.result : undefined
  if (schema === undefined) return call
  const refuse = (issues: Issue[]): Error => new ProtocolError('ERR_JSONRPC_INVALID_RESULT', `${name}: ${describe(issues)}`, { cause: issues })
  return call.then((result) => checked(schema, result, refuse))
}

function checked(schema: StandardSchema<any, any>, value: unknown, refuse: (issues: Issue[]) => Error): unknown {
  const found = schema['~standard'].validate(value)
  return isPromise(found) ? Promise.resolve(found as Promise<StandardResult<unknown>>).then((later) => valueOf(later, refuse)) : valueOf(found as StandardResult<unknown>, refuse)
}

function valueOf(found: StandardResult<unknown>, refuse: (issues: Issue[]) => Error): unknown {
  if (found.issues !== undefined) throw refuse(issuesOf(found.issues))
  return found.value
}

function badParams(issues: Issue[]): Error {
  return invalidParams(issues)
}

function badResult(issues: Issue[]): Error {
  return new ProtocolError('ERR_JSONRPC_INVALID_RESULT', `the handler's result: ${describe(issues)}`, { side: 'local', cause: issues })
}

function describe(issues: Issue[]): string {
  const [first] = issues
  if (first === undefined) return 'refused'
  return `${first.path.length === 0 ? '' : `at ${first.path.join('.')}: `}${first.message}${issues.length > 1 ? `, and ${issues.length - 1} more` : ''}`
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
