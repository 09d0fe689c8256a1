import { tensor } from '@cflow/base'
import type { RgbImage, Tensor } from '@cflow/base'
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
import { resizeLanczos, resizeMaskNearest } from '@cflow/datasets'
import type { Dataset, Sample } from '@cflow/datasets'
import { encoderModel, encoderSpec, type EncoderModel, type Weights } from '@cflow/encoders'
import { reduceSumSquare, sqrt, writeOnnx } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { resolveConfig } from '@cflow/methods'
import type { Runtime, Session } from '@cflow/runtimes'
import { fit, type OnProgress } from '@cflow/trainer'
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
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

/** An image cut into patches, with each one's ‖z‖. */
export interface Sliced {
  readonly image: RgbImage
  /** [S, S]; all zero for a good image. */
  readonly truth: Uint8Array
  /** Patches a side. */
  readonly grid: number
  /** ‖z‖ of each patch, row by row. */
  readonly norms: readonly number[]
}

/** Points of a plane. */
export interface Plane {
  readonly normal: readonly (readonly [number, number])[]
  readonly anomalous: readonly (readonly [number, number])[]
}

export interface Toy {
  /** D */
  readonly depth: number
  /** Pixels a side of a patch. */
  readonly patch: number
  /** τ: distance from the mean that so many anomaly-free patches exceed. */
  readonly threshold: number
  /** x of patches, and their z, in the plane of the anomaly-free ones' two leading principal components. */
  readonly before: Plane
  readonly after: Plane
  /** ‖z‖ of anomaly-free patches that were not trained on, and of patches mostly covered by a defect. */
  readonly normal: readonly number[]
  readonly anomalous: readonly number[]
  readonly examples: { readonly normal: readonly Sliced[]; readonly anomalous: readonly Sliced[] }
}

/** Share of a patch that a defect covers for it to count as out of distribution. */
const covered = 0.25
/** Images of each kind that are shown. */
const shown = 2

/**
 * The toy detector of Figure 1: images cut into patches, each described by the encoder's coarsest features, x; one
 * unconditional flow takes their density p_X to a Gaussian p_Z; a patch is out of distribution where ‖z‖ > τ.
 */
export async function toyDetector(options: ToyOptions): Promise<Toy> {
  const { dataset, encoder: name, inputSize, passes, seed, runtime, signal } = options
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
    ...(options.onProgress && { onProgress: options.onProgress }),
    ...(signal && { signal }),
  })
  const session = await runtime.createSession(latentFile(model, head.flows?.[0] as ScaleFlow))
  const defective = dataset.test.filter((s) => s.label === 'anomalous' && s.loadMask)
  let done = 0
  const advance = () => {
    signal?.throwIfAborted()
    options.onProgress?.({
      stage: 'evaluate',
      done: ++done,
      total: unseen.length + defective.length,
    })
  }
  try {
    const { channels: depth } = scale
    const good = { x: [] as Float32Array[], z: [] as Float32Array[] }
    const bad = { x: [] as Float32Array[], z: [] as Float32Array[] }
    const normal: number[] = []
    for (const sample of unseen) {
      advance()
      const { x, z, norms } = await latent(session, await sample.load())
      good.x.push(x)
      good.z.push(z)
      normal.push(...norms)
    }
    const anomalous: number[] = []
    const slicedBad: Sliced[] = []
    for (const sample of defective) {
      advance()
      const { one, x, z } = await sliced(session, sample, scale.height, inputSize)
      const shares = coverage(one)
      shares.forEach((share, i) => {
        if (share < covered) return
        anomalous.push(one.norms[i] as number)
        bad.x.push(x.subarray(i * depth, (i + 1) * depth))
        bad.z.push(z.subarray(i * depth, (i + 1) * depth))
      })
      if (slicedBad.length < shown && shares.some((s) => s >= covered)) slicedBad.push(one)
    }
    const slicedGood: Sliced[] = []
    for (const sample of unseen.slice(0, shown))
      slicedGood.push((await sliced(session, sample, scale.height, inputSize)).one)
    const planeOf = (key: 'x' | 'z'): Plane => {
      const rows = (parts: readonly Float32Array[]) => ({ data: joined(parts), depth })
      const project = principalPlane(rows(good[key]))
      return { normal: project(rows(good[key])), anomalous: project(rows(bad[key])) }
    }
    return {
      depth,
      patch: scale.stride,
      threshold: thresholdAt(normal, options.falsePositiveRate).threshold,
      before: planeOf('x'),
      after: planeOf('z'),
      normal,
      anomalous,
      examples: { normal: slicedGood, anomalous: slicedBad },
    }
  } finally {
    await session.release()
  }
}

/** Image to x and z of every patch, [positions, D], and ‖z‖. */
function latentFile(model: EncoderModel, flow: ScaleFlow): Uint8Array {
  const [map] = encode(imageInput(), model.encoder, model.inputSize) as [Value]
  const x = rowsOfMap(map)
  const transform = flowTransform(flow.config, { whitened: flow.whitening !== undefined })
  const { value: z } = transform.forward(x, constantValues(allParameters(flow)), {})
  return writeOnnx({ x, z, norm: sqrt(reduceSumSquare(z, [1])) })
}

async function latent(session: Session, { width, height, data }: RgbImage) {
  const got = await session.run({ [detectorNames.image]: tensor('uint8', [1, height, width, 3], data) }) // prettier-ignore
  const values = (name: string) => Float32Array.from((got[name] as Tensor<'float32'>).data)
  return { x: values('x'), z: values('z'), norms: values('norm') }
}

async function sliced(session: Session, sample: Sample, grid: number, size: number) {
  const image = await sample.load()
  const mask = await sample.loadMask?.()
  const { norms, x, z } = await latent(session, image)
  const one: Sliced = {
    image: resizeLanczos(image, size, size),
    truth: mask ? resizeMaskNearest(mask, size, size).data : new Uint8Array(size * size),
    grid,
    norms: Array.from(norms),
  }
  return { one, x, z }
}

/** Share of each patch that the truth covers. */
function coverage({ truth, grid }: Sliced): readonly number[] {
  const size = Math.round(Math.sqrt(truth.length))
  const patch = size / grid
  const shares = new Array<number>(grid * grid).fill(0)
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      if (truth[y * size + x])
        shares[Math.floor(y / patch) * grid + Math.floor(x / patch)]! += 1 / patch ** 2
  return shares
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
