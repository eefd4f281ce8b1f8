import { createService, integerCodes, type Service } from '@async/protocol-jsonrpc'

/** What both the server process and the in-memory stacks serve. `onCall` sees each call where it reaches the application. */
export function makeService(onCall: (direction: 'in' | 'out', what: string) => void = () => {}): Service {
  const notes: unknown[] = []
  const methods: Record<string, (params: any) => unknown> = {
    add: ([a, b]: [number, number]) => a + b,
    greet: ({ name }: { name: string }) => `Hello, ${name}!`,
    divide: ([a, b]: [number, number]) => {
      if (b === 0) throw Object.assign(new Error('division by zero'), { code: 1, data: { dividend: a } })
      return a / b
    },
    note: (params: unknown[]) => void notes.push(...params),
    notes: () => notes,
  }
  const seen = Object.entries(methods).map(([name, method]) => [name, watched(name, method, onCall)] as const)
  return createService(new Map(seen), { mapError: integerCodes })
}

function watched(name: string, method: (params: any) => unknown, onCall: (direction: 'in' | 'out', what: string) => void) {
  return (params: unknown): unknown => {
    onCall('in', callText(name, params))
    try {
      const result = method(params)
      onCall('out', JSON.stringify(result ?? null))
      return result
    } catch (error) {
      onCall('out', `error ${(error as Error).message}`)
      throw error
    }
  }
}

/** A call as a person writes it. */
export function callText(method: string, params: unknown): string {
  const text = JSON.stringify(params ?? [])
  return `${method}(${Array.isArray(params ?? []) ? text.slice(1, -1) : text})`
}
