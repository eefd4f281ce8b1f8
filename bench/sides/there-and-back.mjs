/**
 * Connections on which something goes there and back, again and again, while it is played. They stay open between two calls: to open them is no part of what is
 * measured.
 *
 * @typedef {{ send: (count: number) => void }} Player sends so many, and calls `answered` for each that came back
 */
export class ThereAndBack {
  /** @param {(game: ThereAndBack) => Promise<Player>} open makes a connection, which calls `answered`, and `left` when it is over */
  constructor(open) {
    this.open = open
    /** @type {Set<Player>} */
    this.players = new Set()
    this.operations = 0
    this.outstanding = 0
    this.on = false
    /** @type {Error | undefined} */
    this.wrong = undefined
    /** @type {(() => void) | undefined} */
    this.quiet = undefined
    /** @type {((error: Error) => void) | undefined} */
    this.failed = undefined
  }

  /** @param {Player} player @param {number} count */
  answered(player, count) {
    this.operations += count
    if (this.on) return player.send(count)
    this.outstanding -= count
    if (this.outstanding === 0) this.quiet?.()
  }

  /** @param {Player} player */
  left(player) {
    this.players.delete(player)
    if (this.outstanding === 0) return
    this.wrong ??= new Error('the server closed a connection')
    this.failed?.(this.wrong)
  }

  /** Plays on so many connections, with `inFlight` on each, and waits for what is on its way at the end. @param {{ connections: number, inFlight: number, seconds: number }} how */
  async play({ connections, inFlight, seconds }) {
    // No more at a time than a backlog holds.
    while (this.players.size < connections) {
      const opened = await Promise.all(Array.from({ length: Math.min(200, connections - this.players.size) }, () => this.open(this)))
      for (const player of opened) this.players.add(player)
    }
    this.operations = 0
    this.outstanding = connections * inFlight
    this.on = true
    for (const player of this.players) player.send(inFlight)
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    this.on = false
    await this.allBack()
    if (this.wrong !== undefined) throw this.wrong
    return { operations: this.operations }
  }

  /** @returns {Promise<void>} until all is back */
  allBack() {
    return new Promise((resolve, reject) => {
      if (this.wrong !== undefined) return reject(this.wrong)
      if (this.outstanding === 0) return resolve()
      const timer = setTimeout(() => reject(new Error(`${this.outstanding} answers did not come`)), 10_000)
      this.quiet = () => (clearTimeout(timer), resolve())
      this.failed = (error) => (clearTimeout(timer), reject(error))
    })
  }
}

/** @type {Map<string, ThereAndBack>} */
const games = new Map()

/** One for each `key`, from the first call on. @param {string} key @param {(game: ThereAndBack) => Promise<Player>} open */
export function thereAndBack(key, open) {
  let game = games.get(key)
  if (game === undefined) games.set(key, (game = new ThereAndBack(open)))
  return game
}
