import { made, mapped, type Held, type Tensor } from '../held.js'
import { axisOf, inputAt, kernel, type Call, type Kernels } from '../kernel.js'
import { numberAttribute } from '../attributes.js'

/**
 * Of every element, with the scale and the zero point of its index along the axis.
 * @param rule takes x, the scale, and the zero point as a float
 */
function scaled(
  call: Call,
  dtype: Held['dtype'],
  rule: (x: Tensor, scale: Tensor, zero: Tensor) => Tensor,
): readonly Held[] {
  const { tf } = call
  const [x, scale, zero] = [inputAt(call, 0), inputAt(call, 1), call.inputs[2]]
  const float = (v: Held | undefined, shape: number[]) =>
    v ? tf.cast(tf.reshape(v.plain(), shape), 'float32') : tf.scalar(0)
  if (scale.shape.reduce((n, d) => n * d, 1) === 1)
    return [mapped(call, x, (t) => rule(t, float(scale, []), float(zero, [])), dtype)]
  const axis = axisOf(numberAttribute(call.attributes, 'axis', 1), x.shape.length)
  const along = x.shape.map((d, i) => (i === axis ? d : 1))
  return [made(call, dtype, () => rule(x.plain(), float(scale, along), float(zero, along)))]
}

export const quantization: Kernels = {
  QuantizeLinear: kernel((call) => {
    const dtype = call.inputs[2]?.dtype ?? 'uint8'
    const [least, most] = dtype === 'int8' ? [-128, 127] : [0, 255]
    const { tf } = call
    return scaled(call, dtype, (x, scale, zero) =>
      tf.cast(tf.clipByValue(tf.add(tf.round(tf.div(x, scale)), zero), least, most), 'int32'),
    )
  }),
  DequantizeLinear: kernel((call) => {
    const { tf } = call
    return scaled(call, 'float32', (x, scale, zero) =>
      tf.mul(tf.sub(tf.cast(x, 'float32'), zero), scale),
    )
  }),
}
