import { CflowError } from '@cflow/base'
import {
  readInner,
  topologicalOrder,
  type Node,
  type OnnxModel,
  type OperatorNode,
  type Value,
} from '@cflow/graph'
import { copyOf, held, type Engine, type Held, type Tensor } from './held.js'
import type { Call } from './kernel.js'
import { kernels } from './operators/table.js'
import { numberAttribute, numbersAttribute } from './attributes.js'
import { scan } from './scan.js'

/** One node in the order in which a graph runs; values by their places. */
interface Step {
  readonly node: OperatorNode
  readonly inputs: readonly (number | undefined)[]
  readonly outputs: readonly number[]
  /** Values that nothing needs after it. */
  readonly last: readonly number[]
  run(inputs: readonly (Held | undefined)[]): readonly Held[] | Promise<readonly Held[]>
}

/** A graph made ready: its order, and when each value is freed, are fixed. */
export interface Plan {
  readonly inputs: readonly string[]
  /** @param feeds by name; they stay the caller's. @returns the outputs, which are the caller's */
  run(feeds: ReadonlyMap<string, Held>): Promise<readonly Held[]>
  /** The same graph for some of its outputs. */
  of(outputs: readonly string[]): Plan
  release(): void
}

/** What is wrong with an operator; undefined for one that can be computed. */
function refusal(node: OperatorNode): string | undefined {
  const { operator, attributes } = node
  const { type, domain = '' } = operator
  const name = domain === '' ? type : `${domain}.${type}`
  if (name === 'Scan') {
    const inputs = numberAttribute(attributes, 'num_scan_inputs', 0)
    const turned =
      ['scan_input_axes', 'scan_input_directions', 'scan_output_axes', 'scan_output_directions'] // prettier-ignore
        .some((key) => numbersAttribute(attributes, key)?.some((n) => n !== 0))
    return inputs > 0 && !turned ? undefined : 'Scan along other axes than the first'
  }
  const known = domain === '' && Object.hasOwn(kernels, type) ? kernels[type] : undefined
  if (!known) return name
  const form = known.refuses?.(node)
  if (form !== undefined) return `${name} ${form}`
  if (node.outputs.some((v) => v.dtype === 'float64')) return `${name} in float64`
  return undefined
}

/**
 * Make a graph ready. What depends on constants alone is computed now, once.
 * @throws CflowError MODEL, naming the operators, when there are some that are not in the table
 */
export async function planOf(engine: Engine, model: OnnxModel): Promise<Plan> {
  const all = Object.values(model.outputs)
  const order = topologicalOrder(all)
  const refused = order.flatMap((node) => (node.kind === 'operator' ? (refusal(node) ?? []) : []))
  if (refused.length > 0)
    throw new CflowError(
      'MODEL',
      `TensorFlow.js cannot run the model: it has no ${[...new Set(refused)].join(', ')}`,
      {
        subject: refused[0]!,
        hint: `it computes ${Object.keys(kernels).concat('Scan').sort().join(', ')}; use onnxruntime for the others`,
      },
    )
  const owned = new Set<{ free(): void }>()
  const release = () => {
    for (const x of owned) x.free()
    owned.clear()
  }
  const fixed = new Map<Node, readonly Held[]>()
  const runners = new Map<Node, Step['run']>()
  const fold = async () => {
    for (const node of order) {
      if (node.kind === 'input') continue
      if (node.kind === 'constant') {
        const value = held(engine, node.tensor)
        owned.add(value)
        fixed.set(node, [value])
        continue
      }
      const run = await runnerOf(engine, model, node, owned)
      runners.set(node, run)
      if (node.inputs.some((v) => v && !fixed.has(v.node))) continue
      const results = await run(node.inputs.map((v) => v && fixed.get(v.node)![v.index]))
      for (const value of results) owned.add(value)
      fixed.set(node, results)
    }
    // what only such operators used
    const used = new Set<Node>(all.map((v) => v.node))
    for (const node of order)
      if (node.kind === 'operator' && !fixed.has(node))
        for (const v of node.inputs) if (v) used.add(v.node)
    for (const [node, values] of fixed)
      if (!used.has(node))
        for (const value of values) {
          value.free()
          owned.delete(value)
        }
  }
  await fold().catch((error: unknown) => {
    release()
    throw error
  })
  const inputs = Object.keys(model.inputs)
  const plan = (outputs: readonly Value[]): Plan => ({
    inputs,
    run: runOf(engine, outputs, fixed, runners),
    of: (names) => plan(names.map((name) => model.outputs[name]!)),
    release,
  })
  return plan(all)
}

/** What computes a node. */
async function runnerOf(
  engine: Engine,
  { opsets }: OnnxModel,
  node: OperatorNode,
  owned: Set<{ free(): void }>,
): Promise<Step['run']> {
  const { operator, attributes } = node
  if (operator.type === 'Scan') {
    const body = await planOf(engine, readInner(attributes['body'], opsets))
    owned.add({ free: body.release })
    return scan(engine, body, numberAttribute(attributes, 'num_scan_inputs', 0))
  }
  const { run } = kernels[operator.type]!
  const outputs = node.outputs.length
  const constants = new Map<string, Tensor>()
  const constant: Call['constant'] = (name, make) => {
    const tensor = constants.get(name) ?? engine.tf.keep(make())
    constants.set(name, tensor)
    return tensor
  }
  owned.add({ free: () => constants.forEach((t) => t.dispose()) })
  return (inputs) => run({ ...engine, inputs, attributes, outputs, constant })
}

function runOf(
  engine: Engine,
  outputs: readonly Value[],
  fixed: ReadonlyMap<Node, readonly Held[]>,
  runners: ReadonlyMap<Node, Step['run']>,
): Plan['run'] {
  const places = new Map<Node, number[]>()
  let count = 0
  const placeOf = ({ node, index }: Value): number => {
    const row = places.get(node) ?? []
    places.set(node, row)
    return (row[index] ??= count++)
  }
  const wanted = outputs.map(placeOf)
  const order = topologicalOrder(outputs)
  const preset: [number, Held][] = []
  const fed: [number, string][] = []
  const steps: Step[] = []
  /** Places that hold what the plan does not own: constants and feeds. */
  const lent = new Set<number>()
  // from the end: the first use that is met is the last one
  const needed = new Set(wanted)
  for (const node of order.toReversed()) {
    const own = fixed.get(node)
    if (own || node.kind !== 'operator') continue
    const inputs = node.inputs.map((v) => v && placeOf(v))
    const made = node.outputs.map((v) => placeOf(v))
    const last = [...new Set(inputs)].filter((p): p is number => p !== undefined && !needed.has(p))
    for (const place of last) needed.add(place)
    const unused = made.filter((place) => !needed.has(place))
    steps.unshift({ node, inputs, outputs: made, last: [...last, ...unused], run: runners.get(node)! }) // prettier-ignore
  }
  for (const [node, row] of places)
    row.forEach((place, index) => {
      const own = fixed.get(node)
      if (own) preset.push([place, own[index]!])
      else if (node.kind === 'input') fed.push([place, node.name])
      else return
      lent.add(place)
    })

  return async (feeds) => {
    const values: (Held | undefined)[] = new Array<undefined>(count)
    for (const [place, value] of preset) values[place] = value
    for (const [place, name] of fed) values[place] = feeds.get(name)
    const free = (place: number) => {
      if (lent.has(place)) return
      values[place]?.free()
      values[place] = undefined
    }
    try {
      for (const { node, inputs, outputs, last, run } of steps) {
        try {
          const results = run(inputs.map((p) => (p === undefined ? undefined : values[p])))
          const done = results instanceof Promise ? await results : (results as readonly Held[])
          done.forEach((value, i) => {
            const place = outputs[i]
            if (place === undefined) value.free()
            else values[place] = value
          })
        } catch (error) {
          throw located(error, node)
        }
        last.forEach(free)
      }
      const taken = new Set<number>()
      return wanted.map((place) => {
        const value = values[place]!
        if (lent.has(place) || taken.has(place)) return copyOf(engine, value)
        taken.add(place)
        values[place] = undefined
        return value
      })
    } finally {
      for (let place = 0; place < count; place++) free(place)
    }
  }
}

/** An error of a kernel, which tells the operator. */
function located(error: unknown, { operator, label }: OperatorNode): unknown {
  const message = error instanceof Error ? error.message : String(error)
  const what = label === undefined ? operator.type : `${operator.type} ${label}`
  if (error instanceof CflowError)
    return new CflowError(error.code, `${what}: ${message}`, {
      ...(error.subject !== undefined && { subject: error.subject }),
      ...(error.hint !== undefined && { hint: error.hint }),
      cause: error,
    })
  return new CflowError('RUNTIME', `${what}: ${message}`, { cause: error })
}
