import { CflowError, floats, tensor, type DType, type Tensor } from '@cflow/base'
import { apply, attribute } from '../operator.js'
import { constant, scalar, shapeText, type Operator, type Value } from '../value.js'

/** Scales are one number, or one for each index of `axis`. @param dtypeOf type of the result */
const linear = (type: string, dtypeOf: (scale: Value, zero?: Value) => DType): Operator => ({
  type,
  infer: (inputs) => {
    const [x, scale, zero] = inputs as readonly [Value, Value, Value?]
    if (scale.shape.length > 1)
      throw new CflowError('SHAPE', `${type} needs one scale or one per index of an axis`, {
        subject: shapeText(scale.shape),
        hint: `its input is ${shapeText(x.shape)}`,
      })
    return [{ dtype: dtypeOf(scale, zero), shape: x.shape }]
  },
})

/** q = clamp(round(x/scale) + zero point), ties to even, in the zero point's type (uint8 when it is absent). */
export const QuantizeLinear = linear('QuantizeLinear', (_, zero) => zero?.dtype ?? 'uint8')

/** x = (q − zero point)·scale. */
export const DequantizeLinear = linear('DequantizeLinear', (scale) => scale.dtype)

/** The affine map of one tensor of activations between numbers and bytes. */
export interface ByteScale {
  readonly scale: number
  /** The byte that stands for 0. */
  readonly zero: number
}

const parameters = ({ scale, zero }: ByteScale): readonly [Value, Value] => [
  scalar(scale),
  constant(tensor('uint8', [], Uint8Array.of(zero))),
]

/** Numbers as uint8. */
export const quantize = (x: Value, by: ByteScale): Value =>
  apply(QuantizeLinear, [x, ...parameters(by)])

/** uint8 as numbers. */
export const dequantize = (x: Value, by: ByteScale): Value =>
  apply(DequantizeLinear, [x, ...parameters(by)])

/**
 * A constant of integers as numbers, with one scale for each index of `axis`; 0 stands for 0.
 * @param values int8 (weights) or int32 (biases)
 */
export function dequantizeConstant(
  values: Tensor<'int8' | 'int32'>,
  scales: Float32Array,
  axis: number,
  name: string,
): Value {
  const n = scales.length
  const inputs = [
    constant(values, name),
    constant(floats('float32', [n], scales), `${name}_scale`),
    values.dtype === 'int8'
      ? constant(tensor('int8', [n], new Int8Array(n)), `${name}_zero`)
      : undefined,
  ]
  return apply(DequantizeLinear, inputs, { axis: attribute.int(axis) })
}
