import { hold, made, type Engine, type Held } from './held.js'
import { unfit } from './kernel.js'
import type { Plan } from './plan.js'

/**
 * A graph applied round after round: what it carries first, then what it takes of every round along the first axis.
 * @param each how many inputs there are of every round
 */
export const scan =
  (engine: Engine, body: Plan, each: number) =>
  async (inputs: readonly (Held | undefined)[]): Promise<readonly Held[]> => {
    const { tf } = engine
    const all = inputs as readonly Held[]
    const carriedCount = all.length - each
    const rounds = all[carriedCount]!.shape[0]!
    if (rounds === 0 || all.slice(carriedCount).some((x) => x.shape[0] !== rounds))
      throw unfit('what is taken of every round must be there for as many rounds, one or more')
    let carried: readonly Held[] = all.slice(0, carriedCount)
    const gained: Held[][] = []
    const free = (values: readonly Held[]) => {
      for (const x of values) x.free()
    }
    try {
      for (let round = 0; round < rounds; round++) {
        const taken = all.slice(carriedCount).map((x) => ofRound(engine, x, round))
        const feeds = new Map(body.inputs.map((name, i) => [name, [...carried, ...taken][i]!]))
        const results = await body.run(feeds).finally(() => free(taken))
        if (round > 0) free(carried)
        carried = results.slice(0, carriedCount)
        gained.push(results.slice(carriedCount))
      }
      const columns = (gained[0] ?? []).map((_, i) => gained.map((row) => row[i]!))
      const joined = columns.map((column) =>
        made(engine, column[0]!.dtype, () => tf.stack(column.map((x) => x.plain()))),
      )
      const results = [...carried, ...joined]
      carried = []
      return results
    } finally {
      if (carried[0] !== all[0]) free(carried)
      gained.forEach(free)
    }
  }

/** What a value holds for one round. */
function ofRound(engine: Engine, x: Held, round: number): Held {
  const shape = x.shape.slice(1)
  const size = shape.reduce((n, d) => n * d, 1)
  if (x.known) {
    const numbers = Array.from(x.known).slice(round * size, (round + 1) * size)
    return hold(engine, x.dtype, shape, { numbers })
  }
  const { tf } = engine
  return made(engine, x.dtype, () =>
    tf.reshape(tf.slice(x.plain(), [round, ...shape.map(() => 0)], [1, ...shape]), shape),
  )
}
