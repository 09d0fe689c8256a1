import { dequantize, dequantizeConstant, max, quantize, scalar, withInputs } from '@cflow/graph'
import type { ByteScale, OperatorNode, Value } from '@cflow/graph'
import type { Layer } from './layers.js'
import { byteScale } from './ranges.js'
import type { Range, Ranges } from './ranges.js'
import { beforeSaturation, isMovement, rootOf, saturation } from './structure.js'
import type { Structure } from './structure.js'
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
  readonly value: Value
  readonly by: ByteScale
}

/**
 * The graph with its layers between QuantizeLinear and DequantizeLinear: uint8 activations, int8 weights by output
 * channel, int32 biases. Every engine computes it as written; ONNX Runtime fuses each layer into one integer kernel
 * (QLinearConv, QGemm, QLinearAdd).
 */
export function quantised(structure: Structure, options: QuantiseOptions): Record<string, Value> {
  const rewriter = new Rewriter(structure, options)
  return Object.fromEntries(
    Object.entries(structure.outputs).map(([name, v]) => [name, rewriter.float(v)]),
  )
}

/** One value of the float graph as the quantised graph computes it. */
export const rewritten = (structure: Structure, options: QuantiseOptions, v: Value): Value =>
  new Rewriter(structure, options).float(v)

class Rewriter {
  readonly #structure: Structure
  readonly #options: QuantiseOptions
  readonly #floats = new Map<Value, Value>()
  readonly #bytes = new Map<Value, Bytes>()

  constructor(structure: Structure, options: QuantiseOptions) {
    this.#structure = structure
    this.#options = options
    // in running order, so that a deep graph needs no deep recursion
    for (const node of structure.order)
      if (node.kind === 'operator') for (const v of node.outputs) this.float(v)
  }

  /** A value of the float graph as numbers. */
  float(v: Value): Value {
    let made = this.#floats.get(v)
    if (!made) this.#floats.set(v, (made = this.#makeFloat(v)))
    return made
  }

  #makeFloat(v: Value): Value {
    if (v.node.kind !== 'operator') return v
    if (this.#isBytes(v)) {
      const { value, by } = this.#asBytes(v)
      return dequantize(value, by)
    }
    const layer = this.#structure.layerOf.get(v.node)
    const inputs =
      layer && !this.#options.keep.has(layer.name)
        ? this.#layerInputs(layer)
        : v.node.inputs.map((x) => x && this.float(x))
    if (inputs.every((x, i) => x === (v.node as OperatorNode).inputs[i])) return v
    const outputs = withInputs(v.node, inputs)
    v.node.outputs.forEach((o, i) => this.#floats.set(o, outputs[i] as Value))
    return outputs[v.index] as Value
  }

  /** Whether a value comes as bytes by itself: made so, or moved bytes. */
  #isBytes(v: Value): boolean {
    const root = rootOf(v)
    const node = this.#structure.maker.get(root)
    if (!node) return false
    const layer = this.#structure.layerOf.get(node)
    if (layer) return !this.#options.keep.has(layer.name)
    return node.inputs.every((x) => this.#isBytes(x as Value))
  }

  #asBytes(v: Value): Bytes {
    let made = this.#bytes.get(v)
    if (!made) this.#bytes.set(v, (made = this.#makeBytes(v)))
    return made
  }

  #makeBytes(v: Value): Bytes {
    if (isMovement(v) && !this.#poolsNumbers(v)) {
      const node = v.node as OperatorNode
      const { value, by } = this.#asBytes(node.inputs[0] as Value)
      const [moved] = withInputs(node, [value, ...node.inputs.slice(1)])
      return { value: { ...(moved as Value), dtype: 'uint8' }, by }
    }
    const by = byteScale(this.#range(rootOf(v)))
    if (isMovement(v)) {
      // the bound that saturation has anyway keeps ONNX Runtime from moving the pool behind the rounding again
      const bounded = max(this.float(v), scalar(-by.zero * by.scale))
      return { value: quantize(bounded, by), by }
    }
    if (!this.#isBytes(v)) return { value: quantize(this.float(beforeSaturation(v)), by), by }
    const node = this.#structure.maker.get(v) as OperatorNode
    const layer = this.#structure.layerOf.get(node)
    const inputs = layer
      ? this.#layerInputs(layer)
      : node.inputs.map((x) => this.#numbers(x as Value))
    const [sum] = withInputs(node, inputs)
    return { value: quantize(sum as Value, by), by }
  }

  /**
   * A pool over what is computed in float anyway becomes bytes behind it: fewer numbers to round, and ONNX Runtime pools
   * floats many times as fast as bytes.
   */
  #poolsNumbers(v: Value): boolean {
    return (v.node as OperatorNode).operator.type === 'MaxPool' && !this.#isBytes(v)
  }

  /** Bytes turned into numbers again: what a fused kernel reads. */
  #numbers(v: Value): Value {
    const { value, by } = this.#asBytes(v)
    return dequantize(value, by)
  }

  #range(v: Value): Range {
    const { low, high } = this.#options.ranges.get(v) as Range
    return { low, high: Math.min(high, saturation(v) ?? Infinity) }
  }

  #layerInputs({ node, weight, weightName, axis, bias }: Layer): Value[] {
    const [x] = node.inputs as readonly [Value]
    const { by } = this.#asBytes(x)
    const levels = this.#options.reduceRange ? 63 : 127
    const values = bias?.data
    const w = quantiseWeights(weight, axis, levels, values && { values, inputScale: by.scale })
    const inputs = [this.#numbers(x), dequantizeConstant(w.values, w.scales, axis, weightName)]
    if (!values) return inputs
    const b = quantiseBias(values, by.scale, w.scales)
    const name = weightName.replace(/weight(\d*)$/, 'bias$1')
    return [...inputs, dequantizeConstant(b.values, b.scales, 0, name)]
  }
}
