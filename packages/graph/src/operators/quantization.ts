import { CflowError, floats, tensor, type Tensor } from '@cflow/base'
import { apply, attribute } from '../operator.js'
import { constant, scalar, shapeText, type Operator, type Value } from '../value.js'

/** Scales are one number, or one for each index of `axis`. */
function checkScale(type: string, x: Value, scale: Value): void {
  if (scale.shape.length > 1)
    throw new CflowError('SHAPE', `${type} needs one scale or one per index of an axis`, {
      subject: shapeText(scale.shape),
      hint: `its input is ${shapeText(x.shape)}`,
    })
}

/** q = clamp(round(x/scale) + zero point), ties to even, in the zero point's type (uint8 when it is absent). */
export const QuantizeLinear: Operator = {
  type: 'QuantizeLinear',
  infer: (inputs) => {
    const [x, scale, zero] = inputs as readonly [Value, Value, Value?]
    checkScale('QuantizeLinear', x, scale)
    return [{ dtype: zero?.dtype ?? 'uint8', shape: x.shape }]
  },
}

/** x = (q − zero point)·scale. */
export const DequantizeLinear: Operator = {
  type: 'DequantizeLinear',
  infer: (inputs) => {
    const [x, scale] = inputs as readonly [Value, Value]
    checkScale('DequantizeLinear', x, scale)
    return [{ dtype: scale.dtype, shape: x.shape }]
  },
}

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
