import { CflowError, issueText, type SchemaIssue } from '@cflow/base'
import * as z from 'zod'
import type { Dataset, Sample, Split } from '../dataset.js'
import { type DatasetDriver, setting } from '../driver.js'
import {
  renderMask,
  renderShot,
  syntheticDefects,
  type SyntheticKind,
  syntheticKinds,
} from './render.js'

const count = z.int().min(0).max(100_000)

const schema = z.strictObject({
  kind: z.enum(syntheticKinds),
  /** Width and height of the images in pixels. */
  size: z.int().min(32).max(2048).default(256),
  /** Number of good images to learn from. */
  train: count.default(40),
  /** Number of images to judge, a third of them good (rounded down). */
  test: count.default(36),
  /** The same seed gives the same bytes on every platform. */
  seed: z.int().default(0),
})
const { train, test } = schema.shape

/**
 * The built-in dataset: photograph-like renderings of good and defective things, with exact masks. The defective ones
 * go through the kind's types of defect in turn. Nothing is rendered before a sample is loaded, and a sample's bytes do
 * not depend on what else is loaded, or on how many samples there are before it.
 * @throws CflowError USAGE for an option that does not fit
 */
export function syntheticDataset(options: z.input<typeof schema>): Dataset {
  const parsed = schema.safeParse(options)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]! as SchemaIssue
    const subject = issue.path.join('.')
    const value = (options as Readonly<Record<string, unknown>>)[subject]
    throw new CflowError('USAGE', issueText(`option ${subject}`, issue, value), { subject })
  }
  const { kind, size, seed, train, test } = parsed.data
  const samples = (split: Split, defect: string, count: number): Sample[] =>
    Array.from({ length: Math.max(0, count) }, (_, i): Sample => {
      const id = `${split}/${defect}/${String(i).padStart(3, '0')}`
      const good = { kind, size, seed, stream: `synthetic/${kind}/${id}` }
      const shot = defect === 'good' ? good : { ...good, defect }
      const sample = { id, split, defect, load: async () => renderShot(shot) }
      if (defect === 'good') return { ...sample, label: 'good' }
      return { ...sample, label: 'anomalous', loadMask: async () => renderMask(shot) }
    })
  const good = Math.floor(test / 3)
  const defects = syntheticDefects(kind)
  const countOf = (defect: string): number =>
    defect === 'good' ? good : Math.ceil((test - good - defects.indexOf(defect)) / defects.length)
  return {
    name: 'synthetic',
    category: kind,
    train: samples('train', 'good', train),
    test: ['good', ...defects].sort().flatMap((c) => samples('test', c, countOf(c))),
  }
}

const settings = z.object({
  trainImages: setting(count, {
    help: 'good images of the synthetic set',
    placeholder: 'N',
    default: train.def.defaultValue,
  }),
  testImages: setting(count, {
    help: 'test images of the synthetic set',
    placeholder: 'N',
    default: test.def.defaultValue,
  }),
})

const isKind = (name: string | undefined): name is SyntheticKind =>
  syntheticKinds.includes(name as SyntheticKind)

/** The built-in images; the category is the kind of thing in them. */
export const synthetic: DatasetDriver<typeof settings> = {
  name: 'synthetic',
  title: 'Built-in images',
  builtIn: true,
  settings,
  categories: async () => syntheticKinds,
  async open({ category, trainImages, testImages }, { trained }) {
    if (category !== undefined && !isKind(category))
      throw new CflowError('NOT_FOUND', `there is no synthetic category '${category}'`, {
        subject: '--category',
        hint: `Use one of ${syntheticKinds.join(', ')}.`,
      })
    const kind = category ?? (isKind(trained) ? trained : syntheticKinds[0]!)
    return syntheticDataset({ kind, train: trainImages, test: testImages })
  },
}
