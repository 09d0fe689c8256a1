import { Random, floats, type Tensor } from '@cflow/base'
import { constant, gather, input } from '@cflow/graph'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { run } from '@cflow/runtimes/testing'
import {
  compose,
  conditionRows,
  constantValues,
  coupling as couplingOf,
  flowTransform,
  globalAffine,
  initialise,
  latentLogLikelihood,
  permutation,
  positionalEncoding,
  standardisation,
  whitening,
} from '../index.js'
import type { Parameters, Transform, Values } from '../index.js'
import { logDeterminantName } from './transform.js'

const map = { height: 2, width: 3 }
const area = 6
const [D, C] = [5, 4]

/** Fresh parameters far from the start, so that nothing hides behind zeros; matrices stay what they are. */
function wild(transform: Transform, random: Random, dtype: 'float32' | 'float64'): Parameters {
  const trainable = new Set(transform.shapes.map(([name]) => name))
  return new Map(
    [...initialise(transform, random, dtype)].map(([name, t]) => {
      const data = (t.data as Float64Array).map((v) => v + 0.5 * random.normal())
      return [name, trainable.has(name) ? { ...t, data } : t] as const
    }),
  )
}

const coupling = (
  half: 'first' | 'second',
  condition: number,
  form: 'paper' | 'freia',
  additive = false,
) =>
  couplingOf({
    depth: D,
    ...(additive && { form: 'additive' }),
    half,
    hidden: half === 'first' ? [6] : [7, 3],
    condition,
    factor: form === 'paper' ? 0.1 : 1,
    clamp: { form, bound: 1.9 },
    start: 'random',
  })

/** A whitening draws nothing: its tensors are estimated. */
function whiteningOf(random: Random, dtype: 'float32' | 'float64'): Parameters {
  const matrix = Float64Array.from({ length: D * D }, (_, i) => {
    const [row, column] = [Math.floor(i / D), i % D]
    return row === column ? 0.5 + random.next() : row > column ? random.normal() : 0
  })
  const diagonal = Array.from({ length: D }, (_, i) => Math.log(matrix[i * D + i]!))
  const logDeterminant = diagonal.reduce((a, b) => a + b, 0)
  const normal = (n: number) => Array.from({ length: n }, () => random.normal())
  return new Map<string, Tensor>([
    ['mean', floats(dtype, [area, D], normal(area * D))],
    ['matrix', floats(dtype, [D, D], matrix)],
    [logDeterminantName, floats('float64', [], [logDeterminant])],
  ])
}

/** So are those of a standardisation. */
const spreadParameters = (random: Random, dtype: 'float32' | 'float64'): Parameters =>
  new Map<string, Tensor>([
    ['mean', floats(dtype, [1, D], normals(random, D))],
    ['deviation', floats(dtype, [1, D], normals(random, D).map(Math.exp))],
  ])

const flow = (
  permutation: 'soft' | 'hard' | 'alternate',
  condition: number,
  form: 'affine' | 'additive' = 'affine',
) =>
  flowTransform({
    ...{ depth: D, condition, permutation, couplingLayers: 3, clamp: 'paper', coupling: form },
  })

type Draw = (random: Random, dtype: 'float32' | 'float64') => Parameters
/** Every transform there is: a new one is a line here. */
const transforms: readonly (readonly [name: string, Transform, Draw?])[] = [
  ['affine coupling', coupling('second', 0, 'paper')],
  ['affine coupling of the first half', coupling('first', 0, 'freia')],
  ['conditional affine coupling', coupling('second', C, 'freia')],
  ['conditional affine coupling of the first half', coupling('first', C, 'paper')],
  ['additive coupling', coupling('second', 0, 'paper', true)],
  ['conditional additive coupling of the first half', coupling('first', C, 'freia', true)],
  ['standardisation', standardisation(D), spreadParameters],
  ['global affine', globalAffine(D, 'none')],
  ['global affine with rotation', globalAffine(D, 'soft')],
  ['global affine with permutation', globalAffine(D, 'hard')],
  ['permutation', permutation([3, 0, 4, 1, 2])],
  ['whitening', whitening(D), whiteningOf],
  ['flow with rotations', flow('soft', C)],
  ['flow with permutations', flow('hard', C)],
  ['flow of alternating halves', flow('alternate', C)],
  ['unconditional flow', flow('soft', 0)],
  [
    'additive flow with a base of its own',
    flowTransform(
      { depth: D, condition: C, couplingLayers: 3, permutation: 'soft', clamp: 'paper', coupling: 'additive' }, // prettier-ignore
      { based: true },
    ),
    (random, dtype) => {
      const whole = flow('soft', C, 'additive')
      const own = [...wild(whole, random, dtype)]
      const base = [...spreadParameters(random, dtype)]
      return new Map([...own, ...base.map(([n, t]) => [`base.${n}`, t] as const)])
    },
  ],
  [
    'composition with whitening',
    compose([
      { name: 'white', transform: whitening(D) },
      { name: 'a', transform: coupling('second', C, 'paper') },
    ]),
    (random, dtype) =>
      new Map([
        ...[...whiteningOf(random, dtype)].map(([n, t]) => [`white.${n}`, t] as const),
        ...[...wild(coupling('second', C, 'paper'), random, dtype)].map(
          ([n, t]) => [`a.${n}`, t] as const,
        ),
      ]),
  ],
]

const normals = (random: Random, n: number) => Array.from({ length: n }, () => random.normal())
const near = (actual: readonly number[], expected: readonly number[], tolerance: number) =>
  actual.forEach((v, i) =>
    expect(Math.abs(v - expected[i]!) / (1 + Math.abs(expected[i]!))).toBeLessThan(tolerance),
  )
const seeds = { numRuns: 8 }

describe.each([...transforms])('%s', (...[, given, drawn]) => {
  const transform = given as Transform
  const draw = (drawn as Draw | undefined) ?? ((r, t) => wild(transform, r, t))
  /** Both directions on rows at given positions. */
  const both = (
    values: Values,
    x: readonly number[],
    positions: readonly number[],
    dtype: 'float32' | 'float64' = 'float64',
    of = transform,
  ) => {
    const rows = positions.length
    const v = input('x', dtype, [rows, D])
    const p = input('p', 'int64', [rows])
    const encoding = constant(floats(dtype, [area, C], positionalEncoding(2, 3, C)))
    const about = { positions: p, condition: conditionRows(gather(encoding, p, 0)) }
    const y = of.forward(v, values, about)
    const back = of.inverse(y.value, values, about)
    const zero = constant(floats(dtype, [1], [0]))
    return run(
      {
        y: y.value,
        logdet: y.logDeterminant ?? zero,
        back: back.value,
        logdetBack: back.logDeterminant ?? zero,
      },
      {
        x: floats(dtype, [rows, D], x),
        p: { dtype: 'int64', shape: [rows], data: BigInt64Array.from(positions, BigInt) },
      },
    )
  }
  const everywhere = [0, 1, 2, 3, 4, 5]

  it('is undone by its inverse, and so is its log-determinant', () =>
    fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = Random.seeded(seed)
        const x = normals(random, 3 * D)
        const got = await both(constantValues(draw(random, 'float64')), x, [5, 0, 3])
        near(got['back']!.data, x, 1e-7)
        const { logdet, logdetBack } = got
        for (let i = 0; i < 3; i++)
          expect(
            (logdet!.data[i] ?? logdet!.data[0]!) + (logdetBack!.data[i] ?? logdetBack!.data[0]!),
          ).toBeCloseTo(0, 9)
      }),
      seeds,
    ))

  it('has the log-determinant of its numerical Jacobian', () =>
    fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = Random.seeded(seed)
        const x = normals(random, D)
        const h = 1e-6
        const moved = x.flatMap((_, j) =>
          [h, -h].map((d) => x.map((v, i) => (i === j ? v + d : v))),
        )
        const values = constantValues(draw(random, 'float64'))
        const rows = [x, ...moved]
        const got = await both(values, rows.flat(), new Array<number>(rows.length).fill(4))
        const y = (row: number) => got['y']!.data.slice(row * D, (row + 1) * D)
        const jacobian = x.map((_, j) => {
          const [a, b] = [y(1 + 2 * j), y(2 + 2 * j)]
          return a.map((v, i) => (v - b[i]!) / (2 * h))
        })
        expect(Math.log(Math.abs(determinant(jacobian)))).toBeCloseTo(got['logdet']!.data[0]!, 4)
      }),
      seeds,
    ))

  it('is the same folded, in both directions, at given positions and in the order of the map', async () => {
    const random = Random.seeded(7)
    const parameters = draw(random, 'float32')
    const x = normals(random, area * D)
    const { fold } = compose([{ name: '', transform }])
    const [folded, numbers] = [fold!.transform(map), fold!.parameters(parameters, map)]
    const before = await both(constantValues(parameters), x, everywhere, 'float32')
    const after = await both(constantValues(numbers), x, everywhere, 'float32', folded)
    near(after['y']!.data, before['y']!.data, 1e-5)
    near(after['back']!.data, x, 1e-4)
    const whole = (data: readonly number[]) =>
      data.length === 1 ? new Array<number>(area).fill(data[0]!) : data
    near(whole(after['logdet']!.data), whole(before['logdet']!.data), 1e-5)
    const v = input('x', 'float32', [2 * area, D])
    const ordered = folded.forward(v, constantValues(numbers), {})
    const twice = { x: floats('float32', [2 * area, D], [...x, ...x]) }
    const got = await run({ y: ordered.value, l: latentLogLikelihood(ordered) }, twice)
    near(got['y']!.data, [...after['y']!.data, ...after['y']!.data], 1e-6)
  })
})

it('names the parameter or the condition that is missing', () => {
  const x = input('x', 'float64', [2, D])
  const transform = coupling('second', C, 'paper')
  const values = constantValues(wild(transform, Random.seeded(1), 'float64'))
  expect(() => transform.forward(x, values, {})).toThrow(/conditional, and no condition/)
  expect(() => globalAffine(D, 'soft').forward(x, values, {})).toThrow(
    expect.objectContaining({ code: 'WEIGHTS', subject: 'global_scale' }),
  )
})

function determinant(rows: number[][]): number {
  const a = rows.map((r) => [...r])
  let det = 1
  for (let k = 0; k < a.length; k++) {
    let p = k
    for (let i = k; i < a.length; i++) if (Math.abs(a[i]![k]!) > Math.abs(a[p]![k]!)) p = i
    if (p !== k) {
      ;[a[p], a[k]] = [a[k]!, a[p]!]
      det = -det
    }
    det *= a[k]![k]!
    for (let i = k + 1; i < a.length; i++) {
      const f = a[i]![k]! / a[k]![k]!
      for (let j = k; j < a.length; j++) a[i]![j]! -= f * a[k]![j]!
    }
  }
  return det
}
