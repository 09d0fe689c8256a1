import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { messageOf, type DType, type Tensor } from '@cflow/base'
import { ModelProtoSchema } from '../src/onnx/generated/onnx_pb.js'
import * as g from './all.js'
import { runBytes } from './run.js'
import type { OperatorCase } from './standard-operators.js'

/** What is known of an operator's first input: its shape, its rank, or nothing. */
export const knowledges = ['shape', 'rank', 'nothing'] as const
export type Knowledge = (typeof knowledges)[number]

/** Element types in which the operators on float32 are tried. */
export const precisions = ['float32', 'float16', 'float64'] as const
export type Precision = (typeof precisions)[number]

/** A file of one operator that says it is of an operator set, and what to feed it. */
export function oneOperator(
  { type, inputs, attributes, outputs }: OperatorCase,
  opset: number,
  knowledge: Knowledge = 'shape',
  precision: Precision = 'float32',
): { readonly bytes: Uint8Array; readonly feeds: Readonly<Record<string, Tensor>> } {
  const feeds: Record<string, Tensor> = {}
  const narrow = (dtype: DType): DType => (dtype === 'float32' ? precision : dtype)
  const cast = (v: g.Value) => g.cast(v, narrow(v.dtype))
  const values = inputs.map((given, i) => {
    if (!given) return undefined
    if ('constant' in given) return cast(g.constant(given.constant))
    const name = `x${i}`
    feeds[name] = given
    const shape = knowledge === 'shape' ? given.shape : given.shape.map((_, axis) => `${name}_${axis}`) // prettier-ignore
    const v = cast(g.input(name, given.dtype, shape))
    // an operator that this package does not know, which changes nothing
    return knowledge === 'nothing' && given.dtype === 'float32'
      ? g.apply(kept('LeakyRelu', [v.dtype]), [v], { alpha: g.attribute.float(1) })
      : v
  })
  const results = g.applyAll(kept(type, outputs.map(narrow)), values, attributes)
  const bytes = g.writeOnnx(Object.fromEntries(results.map((v, i) => [`y${i}`, v])))
  const model = fromBinary(ModelProtoSchema, bytes)
  for (const set of model.opsetImport) Object.assign(set, { version: BigInt(opset) })
  return { bytes: toBinary(ModelProtoSchema, model), feeds }
}

const kept = (type: string, outputs: readonly DType[]): g.Operator => ({
  type,
  infer: () => outputs.map((dtype) => ({ dtype, shape: g.unknownRank })),
})

/**
 * What became of a file after it was read and written again: `same` numbers, `refused` where ONNX Runtime does not run
 * the file as it was, else what went wrong.
 */
export async function outcomeOf(
  ...[operator, opset, knowledge, precision]: Parameters<typeof oneOperator>
): Promise<'same' | 'refused' | { readonly wrong: string }> {
  const { bytes, feeds } = oneOperator(operator, opset, knowledge, precision)
  const before = await runBytes(bytes, feeds).catch(() => undefined)
  if (!before) return 'refused'
  try {
    const after = await runBytes(g.writeOnnx(g.readOnnx(bytes).outputs), feeds)
    for (const [name, { shape, data }] of Object.entries(before)) {
      const now = after[name]
      if (now?.shape.join() !== shape.join())
        return { wrong: `${name} [${now?.shape.join()}] instead of [${shape.join()}]` }
      const half = precision === 'float16' && operator.outputs[Number(name.slice(1))] === 'float32'
      const [then, today] = half ? [data.map(fromHalf), now.data.map(fromHalf)] : [data, now.data]
      const size = Math.max(1e-3, ...then.filter(Number.isFinite).map(Math.abs))
      const worst = then.reduce((n, v, i) => Math.max(n, difference(v, today[i] as number)), 0)
      if (!(worst <= (half ? 2e-3 : 1e-5) * size))
        return { wrong: `${name} differs by ${worst} of ${size}` }
    }
    return 'same'
  } catch (error) {
    return { wrong: messageOf(error) }
  }
}

const difference = (a: number, b: number): number =>
  Object.is(a, b) ? 0 : Number.isNaN(a) && Number.isNaN(b) ? 0 : Math.abs(a - b)

/** A half-precision number from its bits. */
function fromHalf(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24)
}
