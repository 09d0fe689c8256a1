import { CflowError } from '@cflow/base'
import { z } from 'zod'
import type { Dataset, Sample, Split } from '../dataset.js'
import { syntheticDefects, syntheticKinds } from './kinds.js'
import type { SyntheticKind } from './kinds.js'
import { renderMask, renderShot } from './render.js'
import type { Shot } from './render.js'

/** What to photograph, how often and how large. */
export interface SyntheticOptions {
  readonly kind: SyntheticKind
  /** Width and height of the images in pixels, 32 to 2048; 256 unless given. */
  readonly size?: number
  /** Number of good images to learn from; 40 unless given. */
  readonly train?: number
  /** Number of images to judge, a third of them good (rounded down); 36 unless given. */
  readonly test?: number
  /** The same seed gives the same bytes on every platform; 0 unless given. */
  readonly seed?: number
}

const schema = z.strictObject({
  kind: z.enum(syntheticKinds),
  size: z.int().min(32).max(2048).default(256),
  train: z.int().min(0).max(100_000).default(40),
  test: z.int().min(0).max(100_000).default(36),
  seed: z.int().default(0),
})

/**
 * The built-in dataset: photograph-like renderings of good and defective things, with exact masks. The defective ones
 * go through the kind's types of defect in turn. Nothing is rendered before a sample is loaded, and a sample's bytes do
 * not depend on what else is loaded, or on how many samples there are before it.
 * @throws CflowError USAGE for an option that does not fit
 */
export function syntheticDataset(options: SyntheticOptions): Dataset {
  const parsed = schema.safeParse(options)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    throw new CflowError('USAGE', `option ${path.join('.')}: ${message}`, {
      subject: path.join('.'),
    })
  }
  const { kind, size, seed, train, test } = parsed.data
  const sample = (split: Split, defect: string, index: number): Sample => {
    const id = `${split}/${defect}/${String(index).padStart(3, '0')}`
    const shot = { kind, size, seed, stream: `synthetic/${kind}/${id}` }
    return defect === 'good' ? goodSample(id, split, shot) : badSample(id, { ...shot, defect })
  }
  const good = Math.floor(test / 3)
  const defects = syntheticDefects(kind)
  const bad = defects.flatMap((defect, k) => {
    const count = Math.max(0, Math.ceil((test - good - k) / defects.length))
    return Array.from({ length: count }, (_, i) => sample('test', defect, i))
  })
  const goods = (split: Split, count: number): Sample[] =>
    Array.from({ length: count }, (_, i) => sample(split, 'good', i))
  const byClass = (a: Sample, b: Sample): number =>
    a.defect < b.defect ? -1 : a.defect > b.defect ? 1 : 0
  return {
    name: 'synthetic',
    category: kind,
    train: goods('train', train),
    test: [...bad, ...goods('test', good)].sort(byClass),
  }
}

function goodSample(id: string, split: Split, shot: Shot): Sample {
  const load = async () => renderShot(shot)
  return { id, split, label: 'good', defect: 'good', load }
}

function badSample(id: string, shot: Shot & { readonly defect: string }): Sample {
  return {
    id,
    split: 'test',
    label: 'anomalous',
    defect: shot.defect,
    load: async () => renderShot(shot),
    loadMask: async () => renderMask(shot),
  }
}
