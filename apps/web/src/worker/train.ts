import { transfer } from 'comlink'
import { CflowError, messageOf } from '@cflow/base'
import type { Sample } from '@cflow/datasets'
import { decodeImage } from '@cflow/detector'
import { encoderModel, encoderSpec, fitWeights } from '@cflow/encoders'
import { embeddedWeightsUrl } from '@cflow/encoders/embedded'
import { openRuntime } from '@cflow/runtimes'
import { resolveConfig } from '@cflow/methods'
import { fit, type Progress } from '@cflow/trainer'
import { readSafetensors } from '@cflow/weights'
import type { EngineOptions } from './detect.js'
import { gate, gated } from './gate.js'
import { rendered } from './rendered.js'
import { serve } from './serve.js'

export interface TrainingInput {
  readonly images: readonly { readonly name: string; readonly blob: Blob }[]
  readonly category: string
  readonly passes: number
  /** Where an earlier training of the same images was stopped. */
  readonly checkpoint?: Uint8Array
}

const running = gate()

const api = {
  rendered,
  /** Wait before the next step; everything stays in memory. */
  pause: running.close,
  resume: running.open,
  async train(
    { images, category, passes, checkpoint }: TrainingInput,
    engine: EngineOptions,
    onProgress: (progress: Progress) => void,
    onCheckpoint: (bytes: Uint8Array) => void,
  ) {
    const config = resolveConfig({ passes })
    const spec = encoderSpec(config.encoder)
    const { tensors } = readSafetensors(await weightsOf(spec.name))
    const weights = fitWeights(spec.parameters, tensors, spec.name)
    const runtime = await openRuntime(engine)
    const fitted = await fit({
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
    const model = new Uint8Array(fitted.model)
    const { manifest, seconds } = fitted
    return transfer({ model, manifest, seconds }, [model.buffer])
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
export type Trained = Awaited<ReturnType<TrainWorker['train']>>
serve(api)
