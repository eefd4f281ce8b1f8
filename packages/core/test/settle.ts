/** Lets everything happen that needs no time to pass: a memory pair moves once a turn of the event loop. */
export async function settle(turns = 60): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => void setImmediate(resolve))
}
