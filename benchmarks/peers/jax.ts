import { blockUntilReady, defaultDevice, init, jit, numpy as np, valueAndGrad, type Array as JaxArray } from '@jax-js/jax' // prettier-ignore
import type { Tensor } from '../../packages/base/src/index.js'
import { topologicalOrder, type OperatorNode, type Value } from '../../packages/graph/src/index.js'

/** jax-js as a peer: the same loss, computed by its operations, with its own derivative and its own compiler. */

const arrayOf = ({ dtype, shape, data }: Tensor): JaxArray =>
  np.array(dtype === 'int64' ? Int32Array.from(data as BigInt64Array, Number) : (data as Float32Array), {
    shape: [...shape],
    dtype: dtype === 'int64' ? np.int32 : np.float32,
  }) // prettier-ignore

const numbers = (v: Value | undefined): number[] =>
  v?.node.kind === 'constant' ? Array.from(v.node.tensor.data as ArrayLike<number | bigint>, Number) : [] // prettier-ignore

function attributeOf<T>({ attributes }: OperatorNode, name: string, otherwise: T): T {
  const a = attributes[name]
  return a && a.kind !== 'raw' ? (a.value as T) : otherwise
}

type Rule = (node: OperatorNode, inputs: JaxArray[]) => JaxArray | JaxArray[]
const pair =
  (rule: (a: JaxArray, b: JaxArray) => JaxArray): Rule =>
  (_, [a, b]) =>
    rule(a!, b!)
const one =
  (rule: (a: JaxArray) => JaxArray): Rule =>
  (_, [a]) =>
    rule(a!)

/** What the loss of a flow is made of. */
const rules: Readonly<Record<string, Rule>> = {
  Add: pair((a, b) => np.add(a, b)),
  Sub: pair((a, b) => np.subtract(a, b)),
  Mul: pair((a, b) => np.multiply(a, b)),
  Div: pair((a, b) => np.divide(a, b)),
  Neg: one((a) => np.negative(a)),
  Exp: one((a) => np.exp(a)),
  Log: one((a) => np.log(a)),
  Tanh: one((a) => np.tanh(a)),
  Relu: one((a) => np.maximum(a, 0)),
  Softplus: one((a) => np.logaddexp(a, 0)),
  Identity: one((a) => a),
  Reshape: (node, [x]) => np.reshape(x!, [...(node.outputs[0]!.shape as number[])]),
  Transpose: (node, [x]) => np.transpose(x!, attributeOf(node, 'perm', [1, 0])),
  Concat: (node, inputs) => np.concatenate(inputs, attributeOf(node, 'axis', 0)),
  Split: (node, [x]) => {
    const ends: number[] = []
    for (const size of numbers(node.inputs[1]).slice(0, -1)) ends.push((ends.at(-1) ?? 0) + size)
    return np.split(x!, ends, attributeOf(node, 'axis', 0))
  },
  Gather: (node, [x, i]) => np.take(x!, i!, attributeOf(node, 'axis', 0)),
  ReduceSum: reduced((x, axes, keepdims) => np.sum(x, axes, { keepdims })),
  ReduceMean: reduced((x, axes, keepdims) => np.mean(x, axes, { keepdims })),
  ReduceSumSquare: reduced((x, axes, keepdims) => np.sum(np.square(x), axes, { keepdims })),
  MatMul: pair((a, b) => np.matmul(a, b)),
  Gemm: (node, [a, b, c]) => {
    const turned = (x: JaxArray, name: string) => (attributeOf(node, name, 0) ? np.transpose(x) : x)
    const product = np.matmul(turned(a!, 'transA'), turned(b!, 'transB'))
    const scaled = np.multiply(product, attributeOf(node, 'alpha', 1))
    return c ? np.add(scaled, np.multiply(c, attributeOf(node, 'beta', 1))) : scaled
  },
}

function reduced(rule: (x: JaxArray, axes: number[], keep: boolean) => JaxArray): Rule {
  return (node, [x]) => {
    const axes = numbers(node.inputs[1])
    return rule(x!, axes.length > 0 ? axes : [...node.inputs[0]!.shape.keys()], attributeOf(node, 'keepdims', 1) === 1) // prettier-ignore
  }
}

/** A value of a graph by jax-js's operations. @throws for an operator without a rule */
function evaluated(result: Value, feeds: Readonly<Record<string, JaxArray>>): JaxArray {
  const values = new Map<object, readonly JaxArray[]>()
  // operators of ours that are written as others
  const of = (value: Value): JaxArray => {
    for (const node of topologicalOrder([value])) {
      if (values.has(node)) continue
      if (node.kind === 'input') values.set(node, [feeds[node.name]!])
      else if (node.kind === 'constant') values.set(node, [arrayOf(node.tensor)])
      else {
        const lowered = node.operator.lower?.(node)
        const rule = rules[node.operator.type]
        if (lowered) values.set(node, lowered.map(of))
        else if (rule) {
          // it takes what it is given: whoever needs an array again gives a reference
          const inputs = node.inputs.flatMap(
            (v, i) =>
            v && (i === 0 || !/^(Split|Reshape|Reduce)/.test(node.operator.type)) ? values.get(v.node)![v.index]!.ref : [], // prettier-ignore
          )
          values.set(node, [rule(node, inputs)].flat() as JaxArray[])
        } else throw new Error(`jax-js is given no rule for ${node.operator.type}`)
      }
    }
    return values.get(value.node)![value.index]!
  }
  return of(result)
}

/**
 * Steps of Adam on a loss of the flat parameter vector `theta`.
 * @param fixed the other inputs of the loss
 */
export async function jaxSteps(
  loss: Value,
  theta: Tensor,
  fixed: Readonly<Record<string, Tensor>>,
): Promise<{ step(rate: number, epsilon: number): Promise<number> }> {
  await init('wasm')
  defaultDevice('wasm')
  const names = Object.keys(fixed)
  const others = Object.values(fixed).map(arrayOf)
  const lossOf = (parameters: JaxArray, ...inputs: JaxArray[]) =>
    np.reshape(
      evaluated(loss, { theta: parameters, ...Object.fromEntries(names.map((n, i) => [n, inputs[i]!])) }), // prettier-ignore
      [],
    )
  const derive = valueAndGrad(lossOf as never) as unknown as (...all: JaxArray[]) => [JaxArray, JaxArray] // prettier-ignore
  const update = jit(((
    p: JaxArray,
    m: JaxArray,
    v: JaxArray,
    rate: JaxArray,
    epsilon: JaxArray,
    ...inputs: JaxArray[]
  ) => {
    // prettier-ignore
    const [value, gradient] = derive(p.ref, ...inputs)
    const mNext = np.add(np.multiply(m, 0.9), gradient.ref)
    const vNext = np.add(np.multiply(v, 0.999), np.square(gradient))
    const quotient = np.divide(np.multiply(mNext.ref, rate), np.add(np.sqrt(vNext.ref), epsilon))
    return [value, np.subtract(p, quotient), mNext, vNext]
  }) as never) as unknown as (...all: JaxArray[]) => [JaxArray, JaxArray, JaxArray, JaxArray]
  let [p, m, v] = [arrayOf(theta), np.zeros([...theta.shape]), np.zeros([...theta.shape])]
  return {
    async step(rate, epsilon) {
      const scalars = [np.array(rate), np.array(epsilon)]
      const [value, ...next] = update(p, m, v, ...scalars, ...others.map((x) => x.ref))
      ;[p, m, v] = next
      await blockUntilReady(next.map((x) => x.ref))
      return Number((await value.data())[0])
    },
  }
}
