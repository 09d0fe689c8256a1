import './errors-across.js'
import { expose, transfer } from 'comlink'
import { CflowError, messageOf } from '@cflow/base'
import type { Sample } from '@cflow/datasets'
import { decodeImage } from '@cflow/detector'
import type { Manifest } from '@cflow/detector'
import { encoderModel, encoderSpec, fitWeights, readSafetensors } from '@cflow/encoders'
import { embeddedWeightsUrl } from '@cflow/encoders/embedded'
import { resolveConfig, type PassRecord } from '@cflow/methods'
import { webRuntime } from '@cflow/runtimes/web'
import { fit, type Progress } from '@cflow/trainer'
import type { EngineOptions } from './detect.js'
import { gate, gated } from './gate.js'
import { rendered } from './rendered.js'

export interface TrainingInput {
  readonly images: readonly { readonly name: string; readonly blob: Blob }[]
  readonly category: string
  readonly passes: number
  /** Where an earlier training of the same images was stopped. */
  readonly checkpoint?: Uint8Array
}

export interface Trained {
  /** The detector file. */
  readonly model: Uint8Array<ArrayBuffer>
  readonly manifest: Manifest
  readonly history: readonly PassRecord[]
  readonly seconds: Readonly<Record<string, number>>
}

const running = gate()

const api = {
  rendered,
  /** Wait before the next step; everything stays in memory. */
  pause: running.close,
  resume: running.open,
  async train(
    { images, category, passes, checkpoint }: TrainingInput,
    { device, threads, wasmPaths }: EngineOptions,
    onProgress: (progress: Progress) => void,
    onCheckpoint: (bytes: Uint8Array) => void,
  ): Promise<Trained> {
    const config = resolveConfig({ passes })
    const spec = encoderSpec(config.encoder)
    const { tensors } = readSafetensors(await weightsOf(spec.name))
    const weights = fitWeights(spec.parameters, tensors, spec.name)
    const runtime = await webRuntime({
      device,
      wasmPaths,
      ...(threads === undefined ? {} : { threads }),
    })
    const {
      model: file,
      manifest,
      history,
      seconds,
    } = await fit({
      samples: images.map(({ name, blob }, i): Sample => ({
        id: `${String(i).padStart(3, '0')} ${name}`,
        split: 'train',
        label: 'good',
        defect: 'good',
        load: () => decodeImage(blob),
      })),
      category,
      config,
      encoder: encoderModel(spec, weights, config.poolLayers, config.inputSize),
      runtime: gated(runtime, running),
      checkpoints: {
        read: async () => checkpoint,
        write: async (bytes) => onCheckpoint(bytes),
      },
      resume: checkpoint !== undefined,
      onProgress,
    })
    const model = new Uint8Array(file)
    return transfer({ model, manifest, history, seconds }, [model.buffer])
  },
}

async function weightsOf(encoder: string): Promise<Uint8Array> {
  const url = embeddedWeightsUrl(encoder)
  const response = await fetch(url).catch((cause: unknown) => {
    throw new CflowError('NETWORK', `the encoder's weights: ${messageOf(cause)}`, { cause })
  })
  if (!response.ok) throw new CflowError('NETWORK', `the encoder's weights: ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}

export type TrainWorker = typeof api
expose(api)
