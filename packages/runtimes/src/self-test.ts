import { CflowError, Random, floats, messageOf, sizeOf, type Tensor } from '@cflow/base'
import * as g from '@cflow/graph'
import type { Runtime } from './runtime.js'

/** Something that a device must compute, and what is right. */
export interface Question {
  readonly what: string
  readonly model: Uint8Array
  readonly feeds: Readonly<Record<string, Tensor>>
  /** Of the output `y`. */
  readonly expected: Float32Array
  /** The largest difference that is rounding, as a share of the largest number. */
  readonly tolerance: number
}

interface Convolution {
  readonly type: 'Conv' | 'ConvTranspose'
  readonly half: boolean
  /** [M, C/group, kH, kW]; of ConvTranspose [C, M/group, kH, kW]. */
  readonly weight: readonly [number, number, number, number]
  readonly group: number
  readonly strides: readonly [number, number]
  readonly dilations: readonly [number, number]
  readonly pads: readonly [number, number, number, number]
}

/** Of more convolutions than this a model's load would be slow. */
const mostQuestions = 8

/**
 * What GPUs are known to compute wrongly, of what a model holds: its first convolution with more than three input channels,
 * convolutions whose channels are no multiple of eight, and float16 transposed convolutions, each form once.
 */
export function questionsOf(model: Uint8Array): readonly Question[] {
  let order: readonly g.Node[]
  try {
    order = g.topologicalOrder(Object.values(g.readOnnx(model).outputs))
  } catch {
    return [] // the runtime says what is wrong with it
  }
  const found = order.flatMap((node) =>
    node.kind === 'operator' ? (convolutionOf(node) ?? []) : [],
  )
  const first = found.find((c) => c.type === 'Conv' && inputsOf(c) > 3)
  const odd = (c: Convolution) =>
    inputsOf(c) > 3 && (inputsOf(c) % 8 !== 0 || outputsOf(c) % 8 !== 0)
  const doubtful = found.filter(
    (c) => c === first || (c.type === 'ConvTranspose' ? c.half : c.group === 1 && odd(c)),
  )
  const each = new Map(doubtful.map((c) => [JSON.stringify(c), c]))
  return [...each.values()].slice(0, mostQuestions).map(question)
}

const inputsOf = ({ type, weight: [a, b], group }: Convolution) => (type === 'Conv' ? b * group : a)
const outputsOf = ({ type, weight: [a, b], group }: Convolution) =>
  type === 'Conv' ? a : b * group

function convolutionOf({
  operator,
  inputs,
  attributes,
  outputs,
}: g.OperatorNode): Convolution | undefined {
  // prettier-ignore
  const { type } = operator
  const shape = inputs[1]?.shape ?? []
  if (operator.domain || (type !== 'Conv' && type !== 'ConvTranspose')) return undefined
  if (shape.length !== 4 || shape.some((d) => typeof d !== 'number')) return undefined
  const list = <T>(name: string, otherwise: T): T => {
    const a = attributes[name]
    return (a?.kind === 'ints' ? a.value : otherwise) as T
  }
  const group = attributes['group']
  return {
    type,
    half: outputs[0]!.dtype === 'float16' || inputs[1]!.dtype === 'float16',
    weight: shape as unknown as Convolution['weight'],
    group: group?.kind === 'int' ? group.value : 1,
    strides: list('strides', [1, 1] as const),
    dilations: list('dilations', [1, 1] as const),
    pads: list('pads', [0, 0, 0, 0] as const),
  }
}

/** What every device is asked before it is used: a product, and a convolution as encoders have them. */
export const general = (): readonly Question[] => {
  const random = Random.seeded(1, 'self-test')
  const [a, b] = [drawn(random, [9, 24]), drawn(random, [24, 7])]
  const product = Float32Array.from({ length: 63 }, (_, i) => {
    const [row, column] = [Math.floor(i / 7), i % 7]
    let sum = 0
    for (let k = 0; k < 24; k++) sum += a.data[row * 24 + k]! * b.data[k * 7 + column]!
    return sum
  })
  const y = g.matMul(g.input('x', 'float32', [9, 24]), g.constant(b))
  const conv = { type: 'Conv', half: false, group: 1, strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1] } as const // prettier-ignore
  return [
    { what: 'a matrix product', model: g.writeOnnx({ y }), feeds: { x: a }, expected: product, tolerance }, // prettier-ignore
    question({ ...conv, weight: [16, 8, 3, 3] }),
    question({ ...conv, weight: [16, 1, 3, 3], group: 16, strides: [2, 2] }),
  ]
}

/** TensorFloat-32, which CUDA may use, has ten bits after the point; sums of many may lose two more. */
const tolerance = 4e-3
const halfTolerance = 2e-2

const drawn = (random: Random, shape: readonly number[]): Tensor<'float32'> =>
  floats(
    'float32',
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-1, 1)),
  )

function question(c: Convolution): Question {
  const random = Random.seeded(2, JSON.stringify(c))
  const [channels, reach] = [inputsOf(c), [0, 1].map((i) => c.dilations[i]! * (c.weight[2 + i]! - 1) + 1)] // prettier-ignore
  const size = reach.map((r, i) => Math.max(7, r) + c.strides[i]! + 1) as [number, number]
  const x = drawn(random, [1, channels, ...size])
  const weight = drawn(random, c.weight)
  const attributes = {
    kernel_shape: g.attribute.ints(c.weight.slice(2)),
    strides: g.attribute.ints(c.strides),
    dilations: g.attribute.ints(c.dilations),
    pads: g.attribute.ints(c.pads),
    group: g.attribute.int(c.group),
  }
  const dtype = c.half ? 'float16' : 'float32'
  const operator: g.Operator = { type: c.type, infer: () => [{ dtype, shape: [null, null, null, null] }] } // prettier-ignore
  const cast = (v: g.Value, to: 'float16' | 'float32') => g.cast(v, to)
  const fed = cast(g.input('x', 'float32', x.shape), dtype)
  const y = cast(g.apply(operator, [fed, cast(g.constant(weight), dtype)], attributes), 'float32')
  const kind = `${c.half ? 'float16 ' : ''}${c.type === 'Conv' ? 'convolution' : 'transposed convolution'}`
  return {
    what: `a ${kind} of ${channels} channels (${c.weight.slice(2).join('×')}, ${outputsOf(c)} outputs${c.group > 1 ? `, ${c.group} groups` : ''})`,
    model: g.writeOnnx({ y }),
    feeds: { x },
    expected: c.type === 'Conv' ? convolved(c, x, weight) : spread(c, x, weight),
    tolerance: c.half ? halfTolerance : tolerance,
  }
}

/** Calls back with every product of a convolution: the places of input, weight and output. */
function eachProduct(
  { weight: [, each, kh, kw], strides, dilations, pads }: Convolution,
  count: readonly [outer: number, perGroup: number],
  outer: readonly [number, number],
  inner: readonly [number, number],
  visit: (o: number, k: number, outerPlace: number, innerRow: number, weightPlace: number) => void,
): void {
  for (let o = 0; o < count[0]; o++)
    for (let k = 0; k < count[1]; k++)
      for (let y = 0; y < outer[0]; y++)
        for (let x = 0; x < outer[1]; x++)
          for (let i = 0; i < kh; i++)
            for (let j = 0; j < kw; j++) {
              const row = y * strides[0] - pads[0] + i * dilations[0]
              const column = x * strides[1] - pads[1] + j * dilations[1]
              if (row < 0 || row >= inner[0] || column < 0 || column >= inner[1]) continue
              const place = ((o * each + k) * kh + i) * kw + j
              visit(o, k, y * outer[1] + x, row * inner[1] + column, place)
            }
}

function convolved(
  c: Convolution,
  { shape, data }: Tensor<'float32'>,
  { data: w }: Tensor<'float32'>,
) {
  // prettier-ignore
  const [outputs, each] = c.weight
  const inner = [shape[2]!, shape[3]!] as const
  const outer = [0, 1].map((i) => Math.floor((inner[i]! + c.pads[i]! + c.pads[i + 2]! - c.dilations[i]! * (c.weight[2 + i]! - 1) - 1) / c.strides[i]!) + 1) as [number, number] // prettier-ignore
  const [area, from] = [outer[0] * outer[1], inner[0] * inner[1]]
  const result = new Float64Array(outputs * area)
  eachProduct(c, [outputs, each], outer, inner, (o, k, to, at, place) => {
    const channel = Math.floor(o / (outputs / c.group)) * each + k
    result[o * area + to]! += data[channel * from + at]! * w[place]!
  })
  return Float32Array.from(result)
}

/** The transposed one: what a convolution would read from, it adds to. */
function spread(
  c: Convolution,
  { shape, data }: Tensor<'float32'>,
  { data: w }: Tensor<'float32'>,
) {
  // prettier-ignore
  const [channels, each] = c.weight
  const outer = [shape[2]!, shape[3]!] as const
  const inner = [0, 1].map((i) => (outer[i]! - 1) * c.strides[i]! + c.dilations[i]! * (c.weight[2 + i]! - 1) + 1 - c.pads[i]! - c.pads[i + 2]!) as [number, number] // prettier-ignore
  const [from, area] = [outer[0] * outer[1], inner[0] * inner[1]]
  const result = new Float64Array(each * c.group * area)
  eachProduct(c, [channels, each], outer, inner, (o, k, at, to, place) => {
    const output = Math.floor(o / (channels / c.group)) * each + k
    result[output * area + to]! += data[o * from + at]! * w[place]!
  })
  return Float32Array.from(result)
}

/**
 * Ask a runtime what is known beforehand.
 * @throws CflowError RUNTIME, with the figure, where it gives other numbers
 */
export async function selfTest(
  { name, createSession }: Runtime,
  device: string,
  questions: readonly Question[],
): Promise<void> {
  for (const { what, model, feeds, expected, tolerance } of questions) {
    const refused = (found: string, cause?: unknown) =>
      new CflowError('RUNTIME', `${name} computes ${what} wrongly: ${found}`, {
        subject: device,
        hint: 'the device or its driver is at fault: bring the driver up to date, or use another device (cpu, wasm)',
        cause,
      })
    let data: ArrayLike<number>
    try {
      const session = await createSession(model)
      const results = await session.run(feeds).finally(() => session.release())
      data = results['y']!.data as Float32Array
    } catch (error) {
      throw refused(messageOf(error), error)
    }
    const most = expected.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
    let [worst, at] = [0, 0]
    expected.forEach((v, i) => {
      const difference = Math.abs((data[i] ?? NaN) - v)
      if (!Number.isNaN(worst) && !(difference <= worst)) [worst, at] = [difference, i]
    })
    if (data.length !== expected.length)
      throw refused(`${data.length} numbers where there are ${expected.length}`)
    if (!(worst <= tolerance * most))
      throw refused(`${Number(data[at]!.toPrecision(4))} where ${Number(expected[at]!.toPrecision(4))} is right`) // prettier-ignore
  }
}

/**
 * A runtime on an accelerator, which is asked before the first model, and before each model about that.
 * @param answers of the devices that were asked before what all are asked
 */
export function questioned(
  runtime: Runtime,
  device: string,
  answers = new Map<string, Promise<void>>(),
): Runtime {
  return {
    ...runtime,
    async createSession(model, options) {
      const answer = answers.get(device) ?? selfTest(runtime, device, general())
      answers.set(device, answer)
      await answer
      await selfTest(runtime, device, questionsOf(model))
      return runtime.createSession(model, options)
    },
  }
}
