import { CflowError, type Tensor } from '@cflow/base'
import { readOnnx, topologicalOrder, withInputs, type Node, type Value } from '@cflow/graph'
import type { Encoder } from './detector.js'
import { parseManifest, type Manifest } from './manifest.js'

/** A detector file taken apart, so that another one can be made of it. */
export interface DetectorParts {
  readonly manifest: Manifest
  readonly encoder: Encoder
  /** Its outputs, but for map and score, from the taps: such as `log_likelihood_k`, of the shapes in the file. */
  evidence(taps: readonly Value[]): Readonly<Record<string, Value>>
  /** The constants of the file that have names, such as a memory's vectors. */
  readonly constants: ReadonlyMap<string, Tensor>
}

/** Names of a detector's outputs that are no evidence. */
const verdictNames: readonly string[] = ['anomaly_map', 'score']

/**
 * Take a detector file apart where its writer has labelled it (`detectorStages`).
 * @throws CflowError MODEL when it is no detector, was made by an earlier version, or holds weights of lower precision
 */
export function readDetectorParts(bytes: Uint8Array): DetectorParts {
  const { outputs, metadata } = readOnnx(bytes)
  const manifest = parseManifest(metadata)
  const order = topologicalOrder(Object.values(outputs))
  const ends = new Map(
    order.flatMap((node) =>
      node.kind === 'operator' && node.label !== undefined
        ? [[node.label, node.outputs[0] as Value] as const]
        : [],
    ),
  )
  const planes = ends.get('stage preprocessing 0')
  // coarse taps that the detector does not use are not in the file
  const found = manifest.encoder.taps.map((_, k) => ends.get(`stage encoder ${k}`))
  const taps = found.slice(0, found.findLastIndex((tap) => tap !== undefined) + 1)
  const whole = taps.length > 0 && taps.every((tap) => tap !== undefined)
  const { precision = 'float32', encoder } = manifest
  if (!planes || !whole || precision !== 'float32')
    throw new CflowError(
      'MODEL',
      precision === 'float32'
        ? 'the detector file does not say where its encoder ends'
        : `the detector is ${precision}, and cannot be taken apart`,
      { hint: 'use the float32 file that `cflow train` wrote' },
    )
  const shown = Object.entries(outputs).filter(([name]) => !verdictNames.includes(name))
  return {
    manifest,
    encoder: {
      mean: encoder.mean,
      std: encoder.std,
      taps: (pixels) => recomputed(taps, new Map([[planes.node, [pixels]]])),
    },
    evidence(given) {
      const from = new Map(taps.map((tap, k) => [tap.node, [given[k] as Value]] as const))
      const values = recomputed(
        shown.map(([, v]) => v),
        from,
      )
      return Object.fromEntries(shown.map(([name], k) => [name, values[k] as Value]))
    },
    constants: new Map(
      order.flatMap((node) =>
        node.kind === 'constant' && node.name !== undefined ? [[node.name, node.tensor]] : [],
      ),
    ),
  }
}

/** Values computed from others in place of those that some nodes gave; the labels of nodes are left out. */
function recomputed(
  values: readonly Value[],
  given: ReadonlyMap<Node, readonly Value[]>,
): readonly Value[] {
  const made = new Map(given)
  const current = (v: Value): Value => made.get(v.node)?.[v.index] ?? v
  for (const node of topologicalOrder(values)) {
    if (node.kind !== 'operator' || made.has(node)) continue
    const inputs = node.inputs.map((v) => v && current(v))
    if (node.label !== undefined || inputs.some((v, i) => v !== node.inputs[i]))
      made.set(node, withInputs({ ...node, label: undefined }, inputs))
  }
  return values.map(current)
}
