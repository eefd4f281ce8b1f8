/**
 * Standard Schema v1, as its specification has it (standardschema.dev): what zod, valibot, arktype and others have in common, so that a
 * library of schemas is the user's choice and no dependency of ours.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** What the specification defines, under this one name. */
  readonly '~standard': StandardProps<Input, Output>
}

/** The members of a Standard Schema. */
export interface StandardProps<Input = unknown, Output = Input> {
  /** 1. */
  readonly version: 1
  /** The library's name. */
  readonly vendor: string
  /** Looks at a value, now or later. */
  readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
  /** For the compiler alone: what goes in, and what comes out. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined
  /** Standard JSON Schema, where the library has it: the schema as JSON Schema. */
  readonly jsonSchema?: {
    /** Of what goes in. */
    readonly input: (options: { readonly target: 'draft-07' }) => Record<string, unknown>
    /** Of what comes out. */
    readonly output: (options: { readonly target: 'draft-07' }) => Record<string, unknown>
  }
}

/** What looking at a value gave: the value, perhaps made another, or what is wrong with it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

/** One thing that is wrong. */
export interface StandardIssue {
  /** One sentence. */
  readonly message: string
  /** Where in the value: keys, or objects that have one. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a schema takes. */
export type InputOf<S> = S extends { readonly '~standard': { readonly types?: infer T } } ? (NonNullable<T> extends { readonly input: infer I } ? I : unknown) : unknown

/** What a schema gives. */
export type OutputOf<S> = S extends { readonly '~standard': { readonly types?: infer T } } ? (NonNullable<T> extends { readonly output: infer O } ? O : unknown) : unknown

/** What is wrong with a value, as it goes over the wire in the `data` of −32602. */
export interface Issue {
  /** One sentence, the library's. */
  readonly message: string
  /** Where: the keys that lead there, from the params on. Empty: the params themselves. */
  readonly path: readonly (string | number)[]
}

/** Issues as plain data. */
export function issuesOf(issues: readonly StandardIssue[]): Issue[] {
  return issues.map(({ message, path = [] }) => ({ message, path: path.map(keyOf) }))
}

function keyOf(segment: PropertyKey | { readonly key: PropertyKey }): string | number {
  const key = typeof segment === 'object' ? segment.key : segment
  return typeof key === 'symbol' ? String(key) : key
}

/** Whether it is a Standard Schema; some are functions. */
export function isStandardSchema(value: unknown): value is StandardSchema<any, any> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return typeof (value as Partial<StandardSchema>)['~standard']?.validate === 'function'
}
