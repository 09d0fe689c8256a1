import { CflowError, floats, tensor, type Random, type Tensor } from '@cflow/base'
import { constant, gather, input, writeOnnx, type Value } from '@cflow/graph'
import { positionalEncoding } from '../positional.js'
import { conditionRows } from '../transforms/condition.js'
import { constantValues } from '../transforms/transform.js'
import type { MapSize, Parameters, Rows, Transform } from '../transforms/transform.js'
import { allParameters, wholeTransform, type ScaleFlow } from './flow.js'
import { latentLogLikelihood } from './likelihood.js'

/** Whatever runs ONNX models, such as the runtimes of @cflow/runtimes. */
export interface Engine {
  createSession(model: Uint8Array): Promise<{
    run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>
    release(): Promise<void>
  }>
}

/** A density with numbers: a transform to a standard Gaussian and its parameters. */
export interface Flow {
  readonly transform: Transform
  readonly parameters: Parameters
  /** Set where the rows' conditions have to be given: C, their length. */
  readonly condition?: number
  /** The map whose positions the density depends on, where it does. */
  readonly map?: MapSize
}

export interface RowOptions {
  readonly runtime: Engine
  /** Condition of every row, [rows, C]: for a conditional flow that knows no map. */
  readonly conditions?: Tensor<'float32'>
  /**
   * Position of every row on the flow's map, y·width + x. When absent, the rows are those of whole maps: all positions,
   * image by image.
   */
  readonly positions?: ArrayLike<number>
}

/**
 * A trained flow as a density.
 * @param map size of its feature map: rows then have positions instead of conditions (a whitened flow needs it)
 * @throws CflowError USAGE for a whitening of another number of positions than the map has
 */
export function flowOf(flow: ScaleFlow, map?: MapSize): Flow {
  const { config, whitening } = flow
  const transform = wholeTransform(flow)
  const area = map && map.height * map.width
  if (whitening && whitening.positions !== area)
    throw new CflowError(
      'USAGE',
      `the flow is whitened at ${whitening.positions} positions: give the size of its map`,
      { subject: 'map' },
    )
  const known = { transform, parameters: allParameters(flow) }
  if (map && (whitening || config.condition > 0)) {
    const { condition } = config
    return { ...known, map, ...(condition > 0 && { condition }) }
  }
  return { ...known, ...(config.condition > 0 && { condition: config.condition }) }
}

/**
 * Log-likelihood of feature vectors under a flow (equation 8).
 * @param vectors [rows, D]
 * @returns [rows], in nats
 * @throws CflowError SHAPE for vectors of another length, USAGE that names the conditions or positions that are missing or
 *   do not fit, and what the runtime throws
 */
export async function logLikelihood(
  flow: Flow,
  vectors: Tensor<'float32'>,
  options: RowOptions,
): Promise<Float32Array> {
  const mapped = await applied(flow, vectors, options, (x, values, rows) => ({
    logp: latentLogLikelihood(flow.transform.forward(x, values, rows)),
  }))
  return mapped['logp']?.data as Float32Array
}

/**
 * Feature vectors drawn from a flow: the inverse of Gaussian latent vectors (section 3.3).
 * @param count rows
 * @returns [count, D]
 * @throws CflowError as `logLikelihood`
 */
export async function samples(
  flow: Flow,
  count: number,
  options: RowOptions & { readonly random: Random },
): Promise<Tensor<'float32'>> {
  const { depth } = flow.transform
  const { random } = options
  const latent = Float32Array.from({ length: count * depth }, () => random.normal())
  const drawn = await applied(
    flow,
    tensor('float32', [count, depth], latent),
    options,
    (u, values, rows) => ({ drawn: flow.transform.inverse(u, values, rows).value }),
  )
  return drawn['drawn'] as Tensor<'float32'>
}

/** Build a graph over rows, and run it once. */
async function applied(
  { transform, parameters, ...about }: Flow,
  vectors: Tensor<'float32'>,
  options: RowOptions,
  build: (x: Value, values: ReturnType<typeof constantValues>, rows: Rows) => Record<string, Value>,
): Promise<Readonly<Record<string, Tensor>>> {
  const { depth } = transform
  const [count = 0, length] = vectors.shape
  if (vectors.shape.length !== 2 || length !== depth)
    throw new CflowError(
      'SHAPE',
      `vectors are [rows, ${depth}], got [${vectors.shape.join(', ')}]`,
      { subject: 'vectors' },
    )
  const { rows, feeds } = situated(about, count, options)
  const x = input('x', 'float32', [count, depth])
  const outputs = build(x, constantValues(parameters), rows)
  const session = await options.runtime.createSession(writeOnnx(outputs))
  try {
    return await session.run({ x: vectors, ...feeds })
  } finally {
    await session.release()
  }
}

const missing = (subject: string, message: string, hint: string) =>
  new CflowError('USAGE', message, { subject, hint })

/** Conditions and positions of rows as the transforms take them, and what is fed for it. */
function situated(
  { condition, map }: Pick<Flow, 'condition' | 'map'>,
  count: number,
  { conditions, positions }: RowOptions,
): { readonly rows: Rows; readonly feeds: Record<string, Tensor> } {
  if (!map) {
    if (positions) throw missing('positions', 'the flow knows no positions', 'leave them out')
    if (condition === undefined) {
      if (!conditions) return { rows: {}, feeds: {} }
      throw missing('conditions', 'the flow is unconditional', 'leave the conditions out')
    }
    if (conditions?.shape.join() !== `${count},${condition}`)
      throw missing(
        'conditions',
        `the flow is conditional: conditions are [${count}, ${condition}], ${conditions ? `got [${conditions.shape.join(', ')}]` : 'none were given'}`,
        'positionalEncoding makes those of a map; flowOf(flow, map) takes positions instead',
      )
    const c = input('c', 'float32', [count, condition])
    return { rows: { condition: conditionRows(c) }, feeds: { c: conditions } }
  }
  const area = map.height * map.width
  if (positions ? positions.length !== count : count % area !== 0)
    throw missing(
      'positions',
      positions
        ? `${positions.length} positions for ${count} vectors`
        : `${count} vectors are no whole maps of ${map.height}×${map.width} positions`,
      'give the position of every vector, y·width + x',
    )
  const outside = Array.from(positions ?? []).find(
    (p) => !(Number.isInteger(p) && p >= 0 && p < area),
  )
  if (outside !== undefined)
    throw missing('positions', `there is no position ${outside}`, `they are 0 to ${area - 1}`)
  const given = positions && input('positions', 'int64', [count])
  const feeds = positions && {
    positions: tensor('int64', [count], BigInt64Array.from(Array.from(positions, BigInt))),
  }
  const encoding = (c: number): Value =>
    constant(floats('float32', [area, c], positionalEncoding(map.height, map.width, c)))
  const conditionOf = (c: number) => (given ? gather(encoding(c), given, 0) : encoding(c))
  return {
    rows: {
      ...(given && { positions: given }),
      ...(condition !== undefined && { condition: conditionRows(conditionOf(condition)) }),
    },
    feeds: { ...feeds },
  }
}
