import { scenarios as chunks } from './chunks.mjs'
import { curves } from './curves.mjs'
import { scenarios as http } from './http.mjs'
import { scenarios as idle } from './idle.mjs'
import { scenarios as jsonRpc } from './json-rpc.mjs'
import { scenarios as layers } from './layers.mjs'
import { scenarios as pipes } from './pipes.mjs'
import { scenarios as startUp } from './start-up.mjs'
import { scenarios as tcp } from './tcp.mjs'
import { scenarios as tls } from './tls.mjs'
import { scenarios as ws } from './ws.mjs'

/** In the order in which they are run and shown. @type {import('../lib/scenario.mjs').Scenario[]} */
export const allScenarios = [...http, ...chunks, ...jsonRpc, ...tcp, ...pipes, ...tls, ...ws, ...layers, ...idle, ...startUp]

/** @type {import('../lib/curve.mjs').Curve[]} */
export const allCurves = curves
