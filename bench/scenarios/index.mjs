import { scenarios as chunks } from './chunks.mjs'
import { scenarios as http } from './http.mjs'
import { scenarios as tcp } from './tcp.mjs'

/** In the order in which they are run and shown. @type {import('../lib/scenario.mjs').Scenario[]} */
export const allScenarios = [...http, ...chunks, ...tcp]
