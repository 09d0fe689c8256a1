import { made, type Tensor } from '../held.js'
import { broadcast, inputAt, kernel, unfit, type Call, type Kernels } from '../kernel.js'
import { numberAttribute } from '../attributes.js'

function matMul(call: Call) {
  const { tf } = call
  const [a, b] = [inputAt(call, 0), inputAt(call, 1)]
  const [x, y] = [a.shape, b.shape]
  if (x.length < 2 || y.length < 2) throw unfit('MatMul here needs operands of rank 2 or more')
  if (x.at(-1) !== y.at(-2))
    throw unfit(`matrices of [${x.join(', ')}] and [${y.join(', ')}] have no product`)
  const batch = broadcast(x.slice(0, -2), y.slice(0, -2))
  const [rows, columns] = [x.at(-2)!, y.at(-1)!]
  return [
    made(call, a.dtype, () => {
      // one product for all leading axes of `a`
      if (y.length === 2 && x.length > 2)
        return tf.reshape(tf.matMul(tf.reshape(a.plain(), [-1, x.at(-1)!]), b.plain()), [...batch, rows, columns]) // prettier-ignore
      const whole = (t: Tensor, shape: readonly number[]) => {
        const own = shape.slice(0, -2)
        const same = own.every((d) => d === 1) || own.join() === batch.join()
        return same ? t : tf.broadcastTo(t, [...batch, ...shape.slice(-2)])
      }
      return tf.reshape(tf.matMul(whole(a.plain(), x), whole(b.plain(), y)), [...batch, rows, columns]) // prettier-ignore
    }),
  ]
}

function gemm(call: Call) {
  const { tf, attributes } = call
  const [a, b, c] = [inputAt(call, 0), inputAt(call, 1), call.inputs[2]]
  const number = (name: string, otherwise: number) => numberAttribute(attributes, name, otherwise)
  const scaled = (t: Tensor, factor: number) => (factor === 1 ? t : tf.mul(t, tf.scalar(factor)))
  const [transA, transB] = [number('transA', 0) === 1, number('transB', 0) === 1]
  const inner = [a.shape[transA ? 0 : 1], b.shape[transB ? 1 : 0]]
  if (a.shape.length !== 2 || b.shape.length !== 2 || inner[0] !== inner[1])
    throw unfit(`matrices of [${a.shape.join(', ')}] and [${b.shape.join(', ')}] have no product`)
  return [
    made(call, a.dtype, () => {
      const product = scaled(tf.matMul(a.plain(), b.plain(), transA, transB), number('alpha', 1))
      return c ? tf.add(product, scaled(c.plain(), number('beta', 1))) : product
    }),
  ]
}

export const matrix: Kernels = { MatMul: kernel(matMul), Gemm: kernel(gemm) }
