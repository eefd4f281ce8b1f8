import { definitionOf } from './method.ts'
import type { ErrorDefinition, MethodDefinition } from './method.ts'
import type { Handler } from './service.ts'
import type { StandardSchema } from './standard-schema.ts'

/** A JSON Schema, draft 7. */
export type JsonSchema = { readonly [keyword: string]: unknown } | boolean

/** What `rpc.discover` says of a service beside its methods. */
export interface DiscoverOptions {
  /** The service's name. Default `JSON-RPC service`. */
  readonly title?: string
  /** The version of what is served. Default `0.0.0`. */
  readonly version?: string
  /** What it is for. */
  readonly description?: string
  /**
   * The JSON Schema of what goes into a schema, or comes out of it, for libraries that do not have Standard JSON Schema of themselves.
   * Undefined: nothing is known. Default: `schema['~standard'].jsonSchema`.
   */
  readonly toJsonSchema?: (schema: StandardSchema<any, any>, side: 'input' | 'output') => JsonSchema | undefined
}

/** One param or result. (OpenRPC 1.3.2, Content Descriptor Object) */
export interface ContentDescriptor {
  readonly name: string
  readonly required?: boolean
  readonly schema: JsonSchema
}

/** One method. (OpenRPC 1.3.2, Method Object) */
export interface OpenRpcMethod {
  readonly name: string
  readonly summary?: string
  readonly description?: string
  readonly deprecated?: boolean
  readonly paramStructure?: 'by-name' | 'by-position'
  readonly params: readonly ContentDescriptor[]
  readonly result?: ContentDescriptor
  readonly errors?: readonly { readonly code: number; readonly message: string; readonly data?: JsonSchema }[]
}

/** What `rpc.discover` gives. (OpenRPC 1.3.2) */
export interface OpenRpcDocument {
  readonly openrpc: '1.3.2'
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly methods: readonly OpenRpcMethod[]
}

/** Describes the methods of a service, `rpc.discover` left out. Those without a definition take and give anything. */
export function openRpcDocument(methods: ReadonlyMap<string, Handler>, options: DiscoverOptions = {}): OpenRpcDocument {
  const { title = 'JSON-RPC service', version = '0.0.0', description } = options
  const names = [...methods.keys()].filter((name) => !name.startsWith('rpc.'))
  return {
    openrpc: '1.3.2',
    info: { title, version, ...(description === undefined ? {} : { description }) },
    methods: names.map((name) => described(name, definitionOf(methods.get(name)!) ?? {}, options)),
  }
}

function described(name: string, definition: MethodDefinition, options: DiscoverOptions): OpenRpcMethod {
  const { summary, description, deprecated, errors } = definition
  return {
    name,
    ...(summary === undefined ? {} : { summary }),
    ...(description === undefined ? {} : { description }),
    ...(deprecated === undefined ? {} : { deprecated }),
    ...paramsOf(schemaOf(definition.params, 'input', options)),
    result: { name: 'result', schema: schemaOf(definition.result, 'output', options) },
    ...(errors === undefined ? {} : { errors: Object.values(errors).map((error) => describedError(error, options)) }),
  }
}

function describedError({ code, message, data }: ErrorDefinition, options: DiscoverOptions): { code: number; message: string; data?: JsonSchema } {
  return data === undefined ? { code, message } : { code, message, data: schemaOf(data, 'output', options) }
}

/** A schema that a library cannot describe (a refinement, a date) is one that takes everything: a description must not be wrong. */
function schemaOf(schema: StandardSchema<any, any> | undefined, side: 'input' | 'output', { toJsonSchema }: DiscoverOptions): JsonSchema {
  if (schema === undefined) return true
  try {
    const made = toJsonSchema === undefined ? schema['~standard'].jsonSchema?.[side]({ target: 'draft-07' }) : toJsonSchema(schema, side)
    if (made === undefined) return true
    if (typeof made === 'boolean') return made
    const { $schema: _, ...rest } = made
    return rest
  } catch {
    return true
  }
}

function paramsOf(schema: JsonSchema): Pick<OpenRpcMethod, 'params' | 'paramStructure'> {
  if (typeof schema === 'boolean') return { params: [] }
  const positions = schema['prefixItems'] ?? schema['items']
  if (Array.isArray(positions)) {
    const required = typeof schema['minItems'] === 'number' ? schema['minItems'] : positions.length
    return { paramStructure: 'by-position', params: (positions as JsonSchema[]).map((each, at) => descriptor(nameOf(each) ?? `param${at + 1}`, at < required, each)) }
  }
  const properties = schema['properties']
  if (typeof properties !== 'object' || properties === null) return { params: [] }
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  return { paramStructure: 'by-name', params: Object.entries(properties as Record<string, JsonSchema>).map(([name, each]) => descriptor(name, required.includes(name), each)) }
}

function descriptor(name: string, required: boolean, schema: JsonSchema): ContentDescriptor {
  return { name, required, schema }
}

function nameOf(schema: JsonSchema): string | undefined {
  const title = typeof schema === 'object' ? schema['title'] : undefined
  return typeof title === 'string' && title !== '' ? title : undefined
}
