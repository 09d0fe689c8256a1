import { CflowError, messageOf, type DType, type Tensor } from '@cflow/base'
import {
  apply,
  attribute,
  topologicalOrder,
  withOutputs,
  writeOnnx,
  type OnnxModel,
  type Operator,
  type OperatorNode,
  type Value,
} from '@cflow/graph'
import { toFloat32 } from '@cflow/weights'
import { culprit } from './culprit.js'
import { checkGraph, titlesIn } from './faults.js'
import type { ImageInput } from './model.js'
import {
  asFed,
  change,
  distance,
  isFinite,
  together,
  twoImages,
  withCorner,
  type Corners,
} from './trial-images.js'

/** Runs an ONNX model on one set of inputs after the other, in one session: its outputs by name, of each. */
export type RunModel = (
  model: Uint8Array,
  ...feeds: readonly Readonly<Record<string, Tensor>>[]
) => Promise<readonly Readonly<Record<string, Tensor>>[]>

/** A model with an image in the place of its input, the file it is from, and how to run it. */
export interface Subject {
  readonly bytes: Uint8Array
  readonly model: OnnxModel
  readonly source: ImageInput
  readonly size: number
  readonly run: RunModel
}

/** What values of a model give for images. */
export interface Trial {
  readonly values: readonly TriedValue[]
  /** Whether they take several images at a time, and give each what it gets alone. */
  readonly several: boolean
}

export interface TriedValue {
  /** What it gives for one image, in float32. */
  readonly output: Tensor
  /** Its element type in the file. */
  readonly dtype: DType
  readonly corners: Corners
  /** Finds out what is wrong, where it is no function of one image or not what its file says. */
  readonly fault: (() => Promise<CflowError>) | undefined
}

/** What a value gives for one image, the same again, another, both together, and for the first before it was read. */
interface Observed {
  readonly alone: Tensor
  readonly again: Tensor
  readonly other: Tensor
  readonly both: Tensor | undefined
  readonly before: Tensor | undefined
}

interface Check {
  isBad(observed: Observed, tolerance: number): boolean
  /** @param title of the operator that is to blame */
  error(title: string, name: string, subject: Subject): CflowError
}

const refused = (message: string, subject: string, hint: string): CflowError =>
  new CflowError('MODEL', message, { subject, hint })

const mixing: Check = {
  isBad: ({ alone, other, both }, tolerance) => isCoupled(alone, other, both, tolerance),
  error: (title, name) =>
    refused(
      `the model gives an image other numbers when it is together with others: ${title} mixes the images of a batch`,
      name,
      'export it so that every image is on its own (in PyTorch: after model.eval())',
    ),
}

const checks: readonly Check[] = [
  {
    isBad: ({ alone }) => !isFinite(alone),
    error: (title, name) =>
      refused(
        `${name} is not finite: ${title} gives NaN or ∞`,
        name,
        'check the weights for NaN, and for numbers too large for half precision',
      ),
  },
  {
    // what runs in parallel may round differently, on some devices
    isBad: ({ alone, again }, tolerance) => distance(alone, again) > tolerance / 20,
    error: (title, name) =>
      refused(
        `the model is random: ${title} gives other numbers every time`,
        name,
        'export it for use, not for training (in PyTorch: after model.eval())',
      ),
  },
  {
    isBad: ({ alone, before }, tolerance) =>
      before !== undefined && distance(before, alone) > tolerance,
    error: (title, _, subject) => notConverted(subject, `${title} would give other numbers`),
  },
  mixing,
]

/**
 * Try values of a model on images: one alone, twice, together with another, and as the file was before it was read.
 * @param names of the values in the file
 * @throws CflowError MODEL where the model does not run, is random by its operators, or is left in training mode
 */
export async function tryValues(
  subject: Subject,
  names: readonly string[],
  values: readonly Value[],
): Promise<Trial> {
  checkGraph(values, subject.model)
  const images = twoImages(subject.size)
  const corners = [withCorner(images[0], 'topRight'), withCorner(images[0], 'bottomLeft')]
  const { observed, more, types } = await observe(subject, values, images, corners)
  const operators = topologicalOrder(values).filter((node) => node.kind === 'operator')
  const tolerance = operators.some(isCoarse) ? 2e-2 : 2e-3
  const titles = titlesIn(subject.model)
  const blamed = async (value: Value, check: Check) =>
    culprit(value, async (some) => {
      const { observed } = await observe(subject, some, images)
      return observed.map((o) => check.isBad(o, tolerance))
    })
  // what is quantised by the range of all images of a batch is the same for every image that is alone
  const byRange = operators.some(({ operator }) => operator.type.startsWith('DynamicQuantize'))
  const those = byRange ? checks.filter((check) => check !== mixing) : checks
  return {
    several: !byRange && observed.every(({ alone, both }) => isDouble(alone, both)),
    values: observed.map(({ alone }, i): TriedValue => {
      const [value, name] = [values[i] as Value, names[i] as string]
      const check = those.find((c) => c.isBad(observed[i] as Observed, tolerance))
      const [topRight, bottomLeft] = more.map((all) => change(alone, all[i] as Tensor))
      return {
        output: alone,
        dtype: types?.[name] ?? value.dtype,
        corners: { topRight, bottomLeft } as Corners,
        fault:
          check && (async () => check.error(titles(await blamed(value, check)), name, subject)),
      }
    }),
  }
}

/** Run values on images, and the file as it was on the first. @param extra images; what they give is `more` */
async function observe(
  subject: Subject,
  values: readonly Value[],
  [a, b]: readonly [Tensor, Tensor],
  extra: readonly Tensor[] = [],
) {
  const { run, model } = subject
  const exposing = exposed(values)
  const on = async (...all: readonly Tensor[]) => {
    const results = await run(exposing, ...all.map((image) => ({ image })))
    return results.map((outputs) => values.map((_, i) => outputs[`v${i}`] as Tensor))
  }
  const nameOf = new Map([...model.values].map(([name, v]) => [v, name]))
  const names = values.map((v) => nameOf.get(v))
  const file = await fromFile(subject, names.filter((n) => n !== undefined), a).catch(() => undefined) // prettier-ignore
  const [alone = [], again = [], other = [], ...more] = await on(a, a, b, ...extra).catch(
    (error: unknown) => {
      throw file ? notConverted(subject, messageOf(error), error) : notRunning(subject, error)
    },
  )
  // some exports hold a batch of one in their reshapes
  const [both] = await on(together(a, b)).catch(() => [])
  const observed = alone.map((tensor, i): Observed => {
    const before = file?.tensors[names[i] ?? '']
    return { alone: tensor, again: again[i] as Tensor, other: other[i] as Tensor, both: both?.[i], before } // prettier-ignore
  })
  return { observed, more, types: file?.types }
}

const notRunning = ({ size }: Subject, cause: unknown): CflowError =>
  new CflowError(
    'MODEL',
    `the model does not run on an image of ${size} pixels: ${messageOf(cause)}`,
    { hint: 'use the size it was exported for: --input-size N', cause },
  )

const notConverted = ({ model }: Subject, what: string, cause?: unknown): CflowError =>
  new CflowError(
    'MODEL',
    `the model cannot be brought from operator set ${model.opsets['']} to that of detectors: ${what}`,
    { hint: 'convert it with onnx.version_converter, or export it with operator set 18', cause },
  )

/** Values as outputs v0, v1 … of a file, in float32 whatever their types. */
function exposed(values: readonly Value[]): Uint8Array {
  const to = attribute.int(1)
  const wide: Operator = {
    type: 'Cast',
    infer: ([x]) => [{ dtype: 'float32', shape: (x as Value).shape }],
  }
  return writeOnnx(Object.fromEntries(values.map((v, i) => [`v${i}`, apply(wide, [v], { to })])))
}

/** What named values of the file, as it is, give for an image; undefined where its graph has none of them. */
async function fromFile({ bytes, source, run }: Subject, names: readonly string[], image: Tensor) {
  const model = withOutputs(bytes, names)
  if (!model) return undefined
  const count = source.batch ?? 1
  const [found = {}] = await run(model, { [source.name]: asFed(image, count, source.channelsLast) })
  const tensors: Record<string, Tensor> = {}
  const types: Record<string, DType> = {}
  for (const [name, t] of Object.entries(found)) {
    types[name] = t.dtype
    if (!t.dtype.startsWith('float')) continue
    const { shape, data } = toFloat32(t)
    // of several equal images the first
    tensors[name] = { dtype: 'float32', shape, data: data.subarray(0, data.length / count) }
  }
  return { tensors, types }
}

const isDouble = ({ shape: [n = 0, ...rest] }: Tensor, both: Tensor | undefined): boolean =>
  both?.shape.join() === [2 * n, ...rest].join()

/** Whether what two images give together is not what they give alone, one after the other. */
function isCoupled(
  alone: Tensor,
  other: Tensor,
  both: Tensor | undefined,
  tolerance: number,
): boolean {
  if (!both) return false
  const n = alone.data.length
  const part = (from: number): Tensor => ({ ...alone, data: both.data.subarray(from, from + n) })
  if (isDouble(alone, both))
    return distance(alone, part(0)) > tolerance || distance(other, part(n)) > tolerance
  // without an axis of images: the same for any image, or made of all of them
  return both.data.length === n && distance(alone, both) > tolerance
}

/** Whether an operator gives numbers in half precision, or takes part in quantisation: what is nearly equal may differ. */
const isCoarse = ({ operator, outputs }: OperatorNode): boolean =>
  /Quantize|QLinear|Integer/.test(operator.type) || outputs.some((v) => v.dtype === 'float16')
