import { Random, floats } from '@cflow/base'
import * as g from '@cflow/graph'
import * as ort from 'onnxruntime-node'
import type { RunModel } from '../src/index.js'

/** ONNX Runtime, for `onnxEncoder`. */
export const run: RunModel = async (model, ...feeds) => {
  const quiet = { logSeverityLevel: 4 } as const
  const session = await ort.InferenceSession.create(model, quiet)
  try {
    const results = []
    for (const each of feeds) {
      const tensors = Object.entries(each).map(
        ([name, t]) =>
          [name, new ort.Tensor(t.dtype as 'float32', t.data as Float32Array, t.shape)] as const,
      )
      const outputs = Object.entries(await session.run(Object.fromEntries(tensors), quiet))
      const taken = ([name, t]: (typeof outputs)[number]) =>
        [name, { dtype: t.type, shape: t.dims, data: t.data }] as const
      results.push(Object.fromEntries(outputs.map(taken)))
    }
    return results as unknown as Awaited<ReturnType<RunModel>>
  } finally {
    await session.release()
  }
}

const random = Random.seeded(7, 'onnx models')
const weights = (shape: readonly number[], scale = 0.3): g.Value =>
  g.constant(
    floats(
      'float32',
      shape,
      Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () =>
        random.uniform(-scale, scale),
      ),
    ),
  )

const opaque = (type: string, inputs: readonly g.Value[], attributes: g.Attributes = {}): g.Value =>
  g.apply({ type, infer: () => [{ dtype: 'float32', shape: g.unknownRank }] }, inputs, attributes)

export interface Made {
  readonly bytes: Uint8Array
  /** Names of values as in the file, by what they are. */
  readonly taps: Readonly<Record<string, string>>
}

/** Bytes of a graph whose taps are found again by their names. */
function made(image: g.Value, taps: Record<string, g.Value>, head: g.Value): Made {
  return {
    bytes: g.writeOnnx({ ...taps, logits: head }),
    taps: Object.fromEntries(Object.keys(taps).map((name) => [name, name])),
  }
}

/** A residual CNN with taps `s4` [N, 6, S/4, S/4], `s8` [N, 10, …] and `s16` [N, 12, …]; an operator of it is unknown. */
export function cnn(shape: g.Shape = ['batch', 3, 'h', 'w']): Made {
  const image = g.input('pixels', 'float32', shape)
  const same = { strides: [2, 2], pads: [1, 1, 1, 1] } as const
  const block = (x: g.Value, inputs: number, outputs: number) => {
    const y = g.relu(g.conv(x, weights([outputs, inputs, 3, 3]), same))
    return g.add(y, opaque('Selu', [g.conv(y, weights([outputs, outputs, 1, 1]))]))
  }
  const s2 = block(image, 3, 4)
  const s4 = block(s2, 4, 6)
  const s8 = block(s4, 6, 10)
  const s16 = block(s8, 10, 12)
  return made(image, { s4, s8, s16 }, g.globalAveragePool(s16))
}

/**
 * A vision transformer with patches of 16 pixels and taps `block0`, `block1` [N, prefix + (S/16)², 8].
 * @param batch number of images in its reshapes; −1 for any
 */
export function vit(size: number, prefix: number, batch: -1 | 1 = -1): Made {
  const [depth, side] = [8, size / 16]
  const tokens = side * side
  const image = g.input('x', 'float32', [batch === 1 ? 1 : 'N', 3, size, size])
  const patches = g.conv(image, weights([depth, 3, 16, 16], 0.1), { strides: [16, 16] })
  let x = g.transpose(g.reshape(patches, [batch, depth, tokens]), [0, 2, 1])
  if (prefix > 0) {
    // the class token of every image
    const zero = g.mul(g.slice(x, [1], [0], [1]), g.scalar(0))
    const extra = Array.from({ length: prefix }, () => g.add(zero, weights([1, 1, depth])))
    x = g.concat([...extra, x], 1)
  }
  x = g.add(x, weights([1, prefix + tokens, depth]))
  const norm = (v: g.Value) =>
    opaque('LayerNormalization', [
      v,
      g.constant(floats('float32', [depth], new Array<number>(depth).fill(1))),
    ])
  const block = (v: g.Value) => {
    const h = norm(v)
    const [q, k, value] = [0, 1, 2].map(() => opaque('MatMul', [h, weights([depth, depth])])) as [
      g.Value,
      g.Value,
      g.Value,
    ]
    const scores = opaque('MatMul', [
      q,
      opaque('Transpose', [k], { perm: g.attribute.ints([0, 2, 1]) }),
    ])
    const attention = opaque('Softmax', [scores], { axis: g.attribute.int(-1) })
    const y = opaque('Add', [v, opaque('MatMul', [attention, value])])
    return opaque('Add', [
      y,
      opaque('Softplus', [opaque('MatMul', [norm(y), weights([depth, depth])])]),
    ])
  }
  const block0 = block(x)
  const block1 = block(block0)
  return made(image, { block0, block1 }, opaque('ReduceMean', [block1, g.int64s([1])]))
}
