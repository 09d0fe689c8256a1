import type { ScaleFlow } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import type { Runtime } from '@cflow/runtimes'
import { evaluatePaper, likelihoodModel } from '@cflow/trainer'
import type { EncoderModel, Evaluation, OnProgress, TrainConfig } from '@cflow/trainer'
import * as z from 'zod'
import type { Unfinished } from '../store.js'

/** Rates of the unfinished flows at one look at the test set. */
export interface Epoch {
  readonly pass: number
  readonly evaluation: Evaluation
}

const notesSchema = z.array(z.object({ pass: z.int(), evaluation: z.looseObject({}) }))

/**
 * Evaluations under the paper's protocol while a flow trains, one a meta-epoch (1/25 of the passes), that an
 * interruption does not lose: they are kept beside the checkpoint, and made up for where the checkpoint is ahead of them.
 */
export async function lastingEpochs(options: {
  readonly samples: readonly Sample[]
  readonly encoder: EncoderModel
  readonly runtime: Runtime
  readonly config: TrainConfig
  readonly unfinished: Unfinished
  readonly onProgress?: OnProgress
}) {
  const { samples, encoder, runtime, config, unfinished, onProgress } = options
  const every = Math.max(Math.round(config.passes / 25), 1)
  const seen = new Map<number, Evaluation>()
  for (const { pass, evaluation } of await notesOf(unfinished)) seen.set(pass, evaluation)

  const onEpoch = async (pass: number, flows: readonly ScaleFlow[]) => {
    const { evaluation } = await evaluatePaper({
      model: likelihoodModel(encoder, flows),
      inputSize: config.inputSize,
      depths: encoder.scales.map((s) => s.depth),
      samples,
      runtime,
      ...(onProgress && { onProgress }),
    })
    seen.set(pass, evaluation)
    await unfinished.writeNotes(JSON.stringify(list()))
  }
  const list = (): Epoch[] =>
    [...seen].map(([pass, evaluation]) => ({ pass, evaluation })).sort((a, b) => a.pass - b.pass)
  return { hook: { every, onEpoch, seen: (pass: number) => seen.has(pass) }, list }
}

async function notesOf(unfinished: Unfinished): Promise<readonly Epoch[]> {
  const text = await unfinished.readNotes()
  if (text === undefined) return []
  // this module wrote it, in one step; JSON has no NaN, which stands for a metric without its class
  const notes = notesSchema.parse(JSON.parse(text, (_, v: unknown) => (v === null ? NaN : v)))
  return notes as unknown as readonly Epoch[]
}
