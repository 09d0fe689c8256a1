import { CflowError, floats, tensor } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import type { Whitening } from '@cflow/core'
import { readSafetensors, writeSafetensors } from '@cflow/weights'
import * as z from 'zod'
import { trainConfigSchema } from './config.js'
import type { TrainConfig } from './config.js'
import type { PassRecord } from './evaluation.js'
import type { ScaleState } from './scale.js'

/** A training between two passes: all it needs to go on as if it had never stopped. */
export interface Checkpoint {
  readonly config: TrainConfig
  /** Of the training images. */
  readonly digest: string
  /** Passes done. */
  readonly passes: number
  readonly scales: readonly ScaleState[]
  readonly whitenings: readonly Whitening[]
  readonly history: readonly PassRecord[]
}

/** Where checkpoints are kept; writing replaces the one before in one step. */
export interface CheckpointStore {
  read(): Promise<Uint8Array | undefined>
  write(bytes: Uint8Array): Promise<void>
}

const key = 'cflow-checkpoint'
const headSchema = z.object({
  version: z.literal(2),
  config: trainConfigSchema,
  digest: z.string(),
  passes: z.int(),
  steps: z.array(z.int()),
  whitenings: z.array(z.object({ depth: z.int(), positions: z.int(), logDeterminant: z.number() })),
  history: z.array(
    z.object({
      pass: z.int(),
      losses: z.array(z.number()),
      learningRate: z.number(),
      seconds: z.number(),
    }),
  ),
})

/** A checkpoint as one safetensors file. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { config, digest, passes, history } = checkpoint
  const tensors = new Map<string, Tensor>()
  const put = (name: string, data: Float32Array) =>
    tensors.set(name, tensor('float32', [data.length], data))
  checkpoint.scales.forEach((s, k) => {
    put(`scale${k}.theta`, s.theta)
    put(`scale${k}.m`, s.m)
    put(`scale${k}.v`, s.v)
  })
  checkpoint.whitenings.forEach((w, k) => {
    put(`whitening${k}.mean`, w.mean)
    put(`whitening${k}.matrix`, w.matrix)
  })
  const head: z.infer<typeof headSchema> = {
    version: 2,
    config,
    digest,
    passes,
    steps: checkpoint.scales.map((s) => s.steps),
    whitenings: checkpoint.whitenings.map(({ depth, positions, logDeterminant }) => ({
      depth,
      positions,
      logDeterminant,
    })),
    history: history.map((h) => ({ ...h, losses: [...h.losses] })),
  }
  return writeSafetensors(tensors, { [key]: JSON.stringify(head) })
}

/** @throws CflowError CHECKPOINT when the bytes are damaged or something else */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  try {
    const { tensors, metadata } = readSafetensors(bytes)
    const head = headSchema.parse(JSON.parse(metadata[key] ?? 'null'))
    const get = (name: string): Float32Array => {
      const t = tensors.get(name)
      if (t?.dtype !== 'float32') throw new Error(`tensor ${name} is missing`)
      return t.data as Float32Array
    }
    return {
      config: head.config,
      digest: head.digest,
      passes: head.passes,
      history: head.history,
      scales: head.steps.map((steps, k) => ({
        theta: get(`scale${k}.theta`),
        m: get(`scale${k}.m`),
        v: get(`scale${k}.v`),
        steps,
      })),
      whitenings: head.whitenings.map((w, k) => {
        const mean = floats('float32', [w.positions * w.depth], get(`whitening${k}.mean`)).data
        const matrix = floats('float32', [w.depth * w.depth], get(`whitening${k}.matrix`)).data
        return { ...w, mean, matrix }
      }),
    }
  } catch (error) {
    throw new CflowError('CHECKPOINT', 'the checkpoint is damaged', {
      hint: 'delete it, or train without --resume',
      cause: error,
    })
  }
}

/**
 * Check that a checkpoint belongs to a training.
 * @throws CflowError CHECKPOINT that names the first setting that differs, or the images
 */
export function checkCheckpoint(checkpoint: Checkpoint, config: TrainConfig, digest: string): void {
  const hint = 'use the settings and images it was begun with, or train without --resume'
  const names = new Set([...Object.keys(checkpoint.config), ...Object.keys(config)])
  for (const name of names as Set<keyof TrainConfig>) {
    const [before, now] = [textOf(checkpoint.config[name]), textOf(config[name])]
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
