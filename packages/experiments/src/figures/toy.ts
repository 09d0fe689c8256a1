import { imageTensor, type RgbImage, type Tensor } from '@cflow/base'
import {
  allParameters,
  constantValues,
  detectorNames,
  encode,
  flowTransform,
  imageInput,
  rowsOfMap,
  thresholdAt,
} from '@cflow/core'
import type { ScaleFlow } from '@cflow/core'
import { resizeLanczos, resizeMaskNearest, type Dataset, type Sample } from '@cflow/datasets'
import { encodePng } from '@cflow/datasets/node'
import { encoderModel, encoderSpec, type EncoderModel } from '@cflow/encoders'
import { reduceSumSquare, sqrt, writeOnnx, type Value } from '@cflow/graph'
import { resolveConfig } from '@cflow/methods'
import type { Runtime, Session } from '@cflow/runtimes'
import { fit } from '@cflow/trainer'
import type { Laboratory } from '../laboratory.js'
import { binned, quantile } from './density.js'
import { outline } from './draw.js'
import type { Figure1 } from './figure1-drawing.js'
import type { Weights } from '@cflow/weights'
import { principalPlane } from './principal.js'

export interface ToyOptions {
  readonly dataset: Dataset
  readonly encoder: string
  readonly weights: Weights
  readonly inputSize: number
  readonly passes: number
  readonly seed: number
  /** Share of anomaly-free patches that lie beyond τ. */
  readonly falsePositiveRate: number
  readonly runtime: Runtime
  readonly watch: Laboratory['watch']
}

/** Share of a patch that a defect covers for it to count as out of distribution. */
const covered = 0.25
/** Images of each kind that are shown. */
const shown = 2
/** Bins of the densities. */
const bins = 50
/** Points of a kind that are drawn. */
const maxPoints = 600

/**
 * The toy detector of Figure 1: images cut into patches, each described by the encoder's coarsest features, x; one
 * unconditional flow takes their density p_X to a Gaussian p_Z; a patch is out of distribution where ‖z‖ > τ.
 */
export async function toyDetector(options: ToyOptions): Promise<Figure1> {
  const { dataset, encoder: name, inputSize, passes, seed, runtime, watch } = options
  const config = resolveConfig({
    ...{ recipe: 'whitened', encoder: name, inputSize, poolLayers: 1, conditional: false },
    ...{ passes, seed, heldOut: 0 },
  } as const)
  const model = encoderModel(encoderSpec(name), options.weights, 1, inputSize)
  const [scale] = model.taps as [EncoderModel['taps'][number]]
  // every fifth image is kept to see what was not trained on
  const unseen = dataset.train.filter((_, i) => i % 5 === 4)
  const { head } = await fit({
    samples: dataset.train.filter((_, i) => i % 5 !== 4),
    category: dataset.category,
    config,
    encoder: model,
    runtime,
    ...watch,
  })
  const session = await runtime.createSession(latentFile(model, head.flows?.[0] as ScaleFlow))
  const defective = dataset.test.filter((s) => s.label === 'anomalous' && s.loadMask)
  const total = unseen.length + defective.length
  let done = 0
  const look = async (samples: readonly Sample[]): Promise<Patches> => {
    const patches: Patches = { x: [], z: [], norms: [], examples: [] }
    for (const sample of samples) {
      watch.signal?.throwIfAborted()
      watch.onProgress?.({ stage: 'evaluate', done: ++done, total })
      await addPatches(patches, session, sample, scale, inputSize)
    }
    return patches
  }
  try {
    const [normal, anomalous] = [await look(unseen), await look(defective)]
    const { threshold } = thresholdAt(normal.norms, options.falsePositiveRate)
    return { depth: scale.channels, patch: scale.stride, ...figureOf(normal, anomalous, threshold) }
  } finally {
    await session.release()
  }
}

/** Anomaly-free patches that were not trained on, or those that are mostly covered by a defect. */
interface Patches {
  readonly x: Float32Array[]
  readonly z: Float32Array[]
  /** ‖z‖ */
  readonly norms: number[]
  /** The first images of which there are such patches. */
  readonly examples: Figure1['normal']
}

/** Add the patches of an image: all of a good one, of another those with a defect. */
async function addPatches(
  { examples, ...patches }: Patches,
  session: Session,
  sample: Sample,
  { channels: depth, height: grid }: EncoderModel['taps'][number],
  size: number,
): Promise<void> {
  const image = await sample.load()
  const { x, z, norms } = await latent(session, image)
  const mask = sample.label === 'anomalous' ? await sample.loadMask?.() : undefined
  const truth = mask && resizeMaskNearest(mask, size, size).data
  const shares = truth && coverage(truth, grid)
  const chosen = [...norms.keys()].filter((p) => !shares || (shares[p] as number) >= covered)
  for (const p of chosen) {
    patches.x.push(x.subarray(p * depth, (p + 1) * depth))
    patches.z.push(z.subarray(p * depth, (p + 1) * depth))
    patches.norms.push(norms[p] as number)
  }
  if (examples.length === shown || chosen.length === 0) return
  const png = await encodePng(resizeLanczos(image, size, size))
  examples.push({
    image: `data:image/png;base64,${Buffer.from(png).toString('base64')}`,
    size,
    ...(truth?.includes(1) && { truth: outline(truth) }),
    grid,
    norms: Array.from(norms, (n) => Number(n.toPrecision(5))),
  })
}

function figureOf(normal: Patches, anomalous: Patches, threshold: number) {
  const low = Math.floor(Math.min(...normal.norms) * 0.8)
  const largest = Math.max(quantile(normal.norms, 0.998), quantile(anomalous.norms, 0.9))
  const end = Math.max(Math.min(largest, 4 * threshold), threshold * 1.1)
  // five equal steps of whole numbers
  const high = low + 5 * Math.ceil((end - low) / 5)
  const each = <T>(value: (patches: Patches) => T) => ({ normal: value(normal), anomalous: value(anomalous) }) // prettier-ignore
  const planeOf = (key: 'x' | 'z') => {
    const project = principalPlane(normal[key])
    return each((patches) => some(project(patches[key])))
  }
  return {
    threshold,
    patches: each(({ norms }) => norms.length),
    beyond: each(({ norms }) => norms.filter((n) => n > threshold).length / Math.max(norms.length, 1)), // prettier-ignore
    before: planeOf('x'),
    after: planeOf('z'),
    norms: { low, high, ...each(({ norms }) => binned(norms, low, high, bins)) },
    ...each(({ examples }) => examples),
  }
}

/** Evenly chosen points with four digits. */
function some(points: readonly (readonly [number, number])[]): [number, number][] {
  const step = Math.max(1, points.length / maxPoints)
  return Array.from({ length: Math.min(points.length, maxPoints) }, (_, i) => {
    const [x, y] = points[Math.floor(i * step)] as readonly [number, number]
    return [Number(x.toPrecision(4)), Number(y.toPrecision(4))]
  })
}

/** Image to x and z of every patch, [positions, D], and ‖z‖. */
function latentFile(model: EncoderModel, flow: ScaleFlow): Uint8Array {
  const [map] = encode(imageInput(), model.encoder, model.inputSize) as [Value]
  const x = rowsOfMap(map)
  const transform = flowTransform(flow.config, { whitened: flow.whitening !== undefined })
  const { value: z } = transform.forward(x, constantValues(allParameters(flow)), {})
  return writeOnnx({ x, z, norm: sqrt(reduceSumSquare(z, [1])) })
}

async function latent(session: Session, image: RgbImage) {
  const got = await session.run({ [detectorNames.image]: imageTensor(image) })
  const values = (name: string) => Float32Array.from((got[name] as Tensor<'float32'>).data)
  return { x: values('x'), z: values('z'), norms: values('norm') }
}

/** Share of each patch that the truth [S, S] covers. */
function coverage(truth: Uint8Array, grid: number): readonly number[] {
  const size = Math.round(Math.sqrt(truth.length))
  const patch = size / grid
  const shares = new Array<number>(grid * grid).fill(0)
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      if (truth[y * size + x])
        shares[Math.floor(y / patch) * grid + Math.floor(x / patch)]! += 1 / patch ** 2
  return shares
}
