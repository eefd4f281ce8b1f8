/**
 * The mutants of a JavaScript module: every place where a small change of meaning can be made, and the changes. Built on the syntax tree, so
 * that strings, comments and imports stay as they are.
 */
import { parse } from 'acorn'
import { full } from 'acorn-walk'

/** `at`: where what is changed begins to be run. @typedef {{ start: number, end: number, at: number, line: number, was: string, becomes: string }} Mutant */

/** @type {Readonly<Record<string, string>>} */
const operators = {
  '<': '<=', '<=': '<', '>': '>=', '>=': '>', '===': '!==', '!==': '===', '==': '!=', '!=': '==',
  '+': '-', '-': '+', '*': '/', '/': '*', '&&': '||', '||': '&&', '??': '&&', '+=': '-=', '-=': '+=', '??=': '=', '&': '|', '|': '&', '<<': '>>', '>>': '<<',
}

/** Texts are not meaning: what is thrown keeps its class and code. @param {any} node */
const isText = (node) => (node.type === 'Literal' && typeof node.value === 'string') || node.type === 'TemplateLiteral'

/** Every mutant of `source`, in order. @param {string} source @returns {Mutant[]} */
export function mutantsOf(source) {
  const tree = parse(source, { ecmaVersion: 'latest', sourceType: 'module', locations: true })
  /** @type {Mutant[]} */
  const mutants = []
  /** @param {any} node @param {string} becomes @param {number} [start] @param {number} [end] */
  const add = (node, becomes, start = node.start, end = node.end) => {
    mutants.push({ start, end, at: node.start, line: node.loc.start.line, was: source.slice(start, end), becomes })
  }
  full(tree, (/** @type {any} */ node) => {
    switch (node.type) {
      case 'BinaryExpression':
      case 'LogicalExpression':
      case 'AssignmentExpression': {
        const becomes = operators[node.operator]
        if (becomes === undefined || isText(node.left) || isText(node.right)) return
        const at = source.indexOf(node.operator, node.left.end)
        add(node, becomes, at, at + node.operator.length)
        return
      }
      case 'UnaryExpression':
        if (node.operator === '!') add(node, source.slice(node.argument.start, node.argument.end))
        return
      case 'UpdateExpression':
        add(node, source.slice(node.start, node.end).replace(/\+\+|--/, (operator) => (operator === '++' ? '--' : '++')))
        return
      case 'IfStatement':
      case 'ConditionalExpression':
      case 'WhileStatement':
        if (node.type !== 'WhileStatement') add(node, 'true', node.test.start, node.test.end)
        add(node, 'false', node.test.start, node.test.end)
        return
      case 'Literal':
        if (typeof node.value === 'number') add(node, String(node.value + 1))
        else if (typeof node.value === 'boolean') add(node, String(!node.value))
        return
      case 'ExpressionStatement': {
        const { type } = node.expression
        if (type === 'CallExpression' || type === 'AssignmentExpression' || type === 'ChainExpression') {
          if (!source.slice(node.start, node.end).startsWith('super(')) add(node, ';')
        }
        return
      }
      case 'ReturnStatement':
        // A call that is made for its effect and returned: the effect goes.
        if (node.argument?.type === 'CallExpression') add(node, 'return;')
        return
    }
  })
  return mutants.sort((one, other) => one.start - other.start || one.end - other.end)
}

/** `source` with one change. @param {string} source @param {Mutant} mutant */
export function mutated(source, mutant) {
  return source.slice(0, mutant.start) + mutant.becomes + source.slice(mutant.end)
}
