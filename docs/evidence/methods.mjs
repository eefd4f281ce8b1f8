// What the trials serve with `async serve`.
export const add = (a, b) => a + b
export const greet = ({ name }) => `Hello, ${name}!`
export function divide(a, b) {
  if (b === 0) throw Object.assign(new Error('division by zero'), { code: 1, data: { a } })
  return a / b
}
export const secret = () => {
  throw new Error('with a path in it')
}
