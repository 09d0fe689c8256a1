import * as g from '@cflow/graph'
import { byteScale, type Ranges } from './calibrate.js'
import type { Layer } from './layers.js'
import { beforeSaturation, isMovement, rootOf, saturation, type Structure } from './structure.js'
import { quantiseBias, quantiseWeights } from './weights.js'

export interface QuantiseOptions {
  readonly ranges: Ranges
  /** Layers that stay in float, by name. */
  readonly keep: ReadonlySet<string>
  /**
   * Seven-bit weights: x86 processors without VNNI add two products in 16 bits, which overflow with eight bits. It costs
   * a little accuracy, and is needed nowhere else.
   */
  readonly reduceRange?: boolean
}

/** A tensor of activations as bytes. */
interface Bytes {
  readonly value: g.Value
  readonly by: g.ByteScale
}

/**
 * The graph with its layers between QuantizeLinear and DequantizeLinear: uint8 activations, int8 weights by output
 * channel, int32 biases. Every engine computes it as written; ONNX Runtime fuses each layer into one integer kernel
 * (QLinearConv, QGemm, QLinearAdd).
 * @returns for a value of the float graph the one of the quantised graph that takes its place
 */
export function quantiser(
  { order, layerOf, maker }: Structure,
  { ranges, keep, reduceRange }: QuantiseOptions,
): (v: g.Value) => g.Value {
  const floats = new Map<g.Value, g.Value>()
  const bytes = new Map<g.Value, Bytes>()

  /** A value of the float graph as numbers. */
  function float(v: g.Value): g.Value {
    let made = floats.get(v)
    if (!made) floats.set(v, (made = makeFloat(v)))
    return made
  }

  function makeFloat(v: g.Value): g.Value {
    const { node } = v
    if (node.kind !== 'operator') return v
    if (isBytes(v)) return numbers(v)
    const layer = layerOf.get(node)
    const inputs =
      layer && !keep.has(layer.name) ? layerInputs(layer) : node.inputs.map((x) => x && float(x))
    if (inputs.every((x, i) => x === node.inputs[i])) return v
    const outputs = g.withInputs(node, inputs)
    node.outputs.forEach((o, i) => floats.set(o, outputs[i] as g.Value))
    return outputs[v.index] as g.Value
  }

  /** Whether a value comes as bytes by itself: made so, or moved bytes. */
  function isBytes(v: g.Value): boolean {
    const node = maker.get(rootOf(v))
    const layer = node && layerOf.get(node)
    if (layer) return !keep.has(layer.name)
    return node !== undefined && node.inputs.every((x) => isBytes(x as g.Value))
  }

  function asBytes(v: g.Value): Bytes {
    let made = bytes.get(v)
    if (!made) bytes.set(v, (made = makeBytes(v)))
    return made
  }

  function makeBytes(v: g.Value): Bytes {
    const node = v.node as g.OperatorNode
    const moves = isMovement(v)
    // a pool over what is computed in float anyway becomes bytes behind it: fewer numbers to round, and ONNX Runtime
    // pools floats many times as fast as bytes
    const poolsNumbers = moves && node.operator.type === 'MaxPool' && !isBytes(v)
    if (moves && !poolsNumbers) {
      const { value, by } = asBytes(node.inputs[0] as g.Value)
      const [moved] = g.withInputs(node, [value, ...node.inputs.slice(1)])
      return { value: { ...(moved as g.Value), dtype: 'uint8' }, by }
    }
    const by = byteScale(rangeOf(rootOf(v)))
    // the bound that saturation has anyway keeps ONNX Runtime from moving the pool behind the rounding again
    if (moves) return { value: g.quantize(g.max(float(v), g.scalar(-by.zero * by.scale)), by), by }
    if (!isBytes(v)) return { value: g.quantize(float(beforeSaturation(v)), by), by }
    const made = maker.get(v) as g.OperatorNode
    const layer = layerOf.get(made)
    const inputs = layer ? layerInputs(layer) : made.inputs.map((x) => numbers(x as g.Value))
    const [sum] = g.withInputs(made, inputs)
    return { value: g.quantize(sum as g.Value, by), by }
  }

  /** Bytes turned into numbers again: what a fused kernel reads. */
  function numbers(v: g.Value): g.Value {
    const { value, by } = asBytes(v)
    return g.dequantize(value, by)
  }

  function rangeOf(v: g.Value) {
    const { low, high } = ranges.get(v)!
    return { low, high: Math.min(high, saturation(v) ?? Infinity) }
  }

  function layerInputs({ node, weight, weightName, axis, bias }: Layer): g.Value[] {
    const [x] = node.inputs as readonly [g.Value]
    const { by } = asBytes(x)
    const levels = reduceRange ? 63 : 127
    const w = quantiseWeights(weight, axis, levels, bias && { values: bias, inputScale: by.scale })
    const inputs = [numbers(x), g.dequantizeConstant(w.values, w.scales, axis, weightName)]
    if (!bias) return inputs
    const b = quantiseBias(bias, by.scale, w.scales)
    const name = weightName.replace(/weight(\d*)$/, 'bias$1')
    return [...inputs, g.dequantizeConstant(b.values, b.scales, 0, name)]
  }

  // in running order, so that a deep graph needs no deep recursion
  for (const node of order) if (node.kind === 'operator') node.outputs.forEach(float)
  return float
}
