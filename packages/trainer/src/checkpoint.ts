import { CflowError, type Tensor } from '@cflow/base'
import type { Job, TrainConfig, TrainingState } from '@cflow/methods'
import { readSafetensors, writeSafetensors } from '@cflow/weights'
import * as z from 'zod'
import { now } from './progress.js'

/** The state of a training, and what it is a training of. */
export interface Checkpoint extends TrainingState {
  readonly config: TrainConfig
  /** Of the training images. */
  readonly digest: string
}

/** Where checkpoints are kept; writing replaces the one before in one step. */
export interface CheckpointStore {
  read(): Promise<Uint8Array | undefined>
  write(bytes: Uint8Array): Promise<void>
}

const key = 'cflow-checkpoint'
const version = 3
const headSchema = z.object({
  version: z.literal(version),
  config: z.looseObject({ method: z.string(), recipe: z.string() }),
  digest: z.string(),
  passes: z.int(),
  history: z.array(
    z.object({
      pass: z.int(),
      losses: z.array(z.number()),
      validation: z.array(z.number()).exactOptional(),
      learningRate: z.number(),
      seconds: z.number(),
    }),
  ),
})

/** A checkpoint as one safetensors file. */
const encodeCheckpoint = ({ tensors, ...head }: Checkpoint): Uint8Array =>
  writeSafetensors(tensors, { [key]: JSON.stringify({ version, ...head }) })

/** @throws CflowError CHECKPOINT when the bytes are damaged, something else, or of an earlier version */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const hint = 'delete it, or begin again without --resume, with --overwrite'
  try {
    const { tensors, metadata } = readSafetensors(bytes)
    const head: unknown = JSON.parse(metadata[key] ?? 'null')
    const made = (head as { version?: unknown } | null)?.version
    if (typeof made === 'number' && made !== version)
      throw new CflowError(
        'CHECKPOINT',
        `the checkpoint is of ${made < version ? 'an earlier' : 'a later'} version (${made}, this one reads ${version})`,
        { hint: `go on with the version it was begun with; or ${hint}` },
      )
    const { config, digest, passes, history } = headSchema.parse(head)
    return { config: config as unknown as TrainConfig, digest, passes, history, tensors }
  } catch (error) {
    if (error instanceof CflowError && error.code === 'CHECKPOINT') throw error
    throw new CflowError('CHECKPOINT', 'the checkpoint is damaged', { hint, cause: error })
  }
}

/**
 * Check that a checkpoint belongs to a training.
 * @throws CflowError CHECKPOINT that names the first setting that differs, or the images
 */
function checkCheckpoint(checkpoint: Checkpoint, config: TrainConfig, digest: string): void {
  const hint =
    'use the settings and images it was begun with, or begin again without --resume, with --overwrite'
  const kept: Readonly<Record<string, unknown>> = checkpoint.config
  const wanted: Readonly<Record<string, unknown>> = config
  for (const name of new Set([...Object.keys(kept), ...Object.keys(wanted)])) {
    const [before, now] = [textOf(kept[name]), textOf(wanted[name])]
    if (before !== now)
      throw new CflowError(
        'CHECKPOINT',
        `the checkpoint was made with ${name} ${before}, now it is ${now}`,
        { subject: name, hint },
      )
  }
  if (checkpoint.digest !== digest)
    throw new CflowError('CHECKPOINT', 'the checkpoint was made from other training images', {
      hint,
    })
}

/** A setting for people, and to compare. */
const textOf = (value: unknown): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value)

/** Milliseconds between two checkpoints at least. */
const interval = 10_000

/**
 * What a training does with its checkpoints: it goes on from the stored one, and writes its state now and then.
 * @throws CflowError CHECKPOINT when the stored one is damaged, or of another training
 */
export async function checkpointing(
  store: CheckpointStore | undefined,
  resume: boolean,
  about: Pick<Checkpoint, 'config' | 'digest'>,
) {
  const stored = resume ? await store?.read() : undefined
  const resumed = stored && decodeCheckpoint(stored)
  if (resumed) checkCheckpoint(resumed, about.config, about.digest)
  /** Tensors that go into every checkpoint. */
  const kept = new Map<string, Tensor>()
  let saved = now()
  let unsaved: TrainingState | undefined
  /** Write what is not written yet. */
  const flush = async (): Promise<void> => {
    if (!unsaved) return
    const tensors = new Map([...kept, ...unsaved.tensors])
    await store?.write(encodeCheckpoint({ ...about, ...unsaved, tensors }))
    unsaved = undefined
    saved = now()
  }
  const once: Job<unknown>['once'] = async (name, work) => {
    const prefix = `${name}.`
    const known = [...(resumed?.tensors ?? [])].filter(([key]) => key.startsWith(prefix))
    const own = known.map(([key, t]) => [key.slice(prefix.length), t] as const)
    const tensors = own.length > 0 ? Object.fromEntries(own) : await work()
    for (const [key, t] of Object.entries(tensors)) kept.set(prefix + key, t)
    return tensors
  }
  const save = async (state: TrainingState, last: boolean): Promise<void> => {
    unsaved = state
    if (last || now() - saved > interval) await flush()
  }
  return { resumed, once, flush, ...(store && { save }) }
}
