/** Median wall and processor seconds of one call. */
export interface Measured {
  readonly wall: number
  readonly cpu: number
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

/** A call repeated for some seconds, and at least three times. */
export async function measured(
  step: () => Promise<unknown>,
  seconds: number,
  warmUp = 2,
): Promise<Measured> {
  for (let i = 0; i < warmUp; i++) await step()
  const walls: number[] = []
  const cpus: number[] = []
  const end = performance.now() + seconds * 1000
  while (walls.length < 3 || (performance.now() < end && walls.length < 1000)) {
    const cpu = process.cpuUsage()
    const wall = performance.now()
    await step()
    walls.push((performance.now() - wall) / 1000)
    const { user, system } = process.cpuUsage(cpu)
    cpus.push((user + system) / 1e6)
  }
  return { wall: median(walls), cpu: median(cpus) }
}

/** One side of a comparison. */
export interface Side {
  readonly name: string
  measure(): Promise<Measured>
}

export interface Compared {
  readonly name: string
  /** Median over the rounds. */
  readonly wall: number
  readonly cpu: number
  /** How many times as fast as the peer: median over the rounds of the ratio within each round. */
  readonly ratio?: number
  /** The same in processor time, which other programs on the machine disturb less. */
  readonly cpuRatio?: number
}

/** All sides take turns, round by round; ratios are to the last side. */
export async function interleaved(
  sides: readonly Side[],
  rounds: number,
  peer: boolean,
): Promise<Compared[]> {
  const results: Measured[][] = sides.map(() => [])
  for (let round = 0; round < rounds; round++)
    for (const [i, side] of sides.entries()) results[i]?.push(await side.measure())
  const last = results.at(-1) ?? []
  return sides.map((side, i) => {
    const own = results[i] ?? []
    const ratio = (key: keyof Measured) =>
      median(own.map((m, round) => (last[round]?.[key] ?? NaN) / m[key]))
    return {
      name: side.name,
      wall: median(own.map((m) => m.wall)),
      cpu: median(own.map((m) => m.cpu)),
      ...(peer && i < sides.length - 1 && { ratio: ratio('wall'), cpuRatio: ratio('cpu') }),
    }
  })
}
