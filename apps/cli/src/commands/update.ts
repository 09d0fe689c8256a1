import { writeFileAtomic } from '@cflow/base/node'
import type { Sample } from '@cflow/datasets'
import { decodeImage } from '@cflow/datasets/node'
import { readDetector } from '@cflow/detector'
import { updateDetector, type UpdateResult } from '@cflow/trainer'
import * as z from 'zod'
import { defineCommand } from '../command.js'
import { listing, megabytes, printJson, table } from '../io.js'
import { findImages } from '../predict/paths.js'
import { progressReporter } from '../progress/reporter.js'
import { runtimeOf } from '../settings/machine.js'
import { usage } from '../settings/parse.js'
import { dir, machineShape, outputShape, text } from '../settings/schema.js'

const schema = z.object({
  good: text('good images to add, above all those that were taken for defective', {
    ...dir,
    group: 'images',
  }),
  date: text('what the detector’s history says of when they were added', {
    placeholder: 'DATE',
    group: 'images',
  }),
  ...machineShape,
  out: text('file to write', {
    otherwise: 'MODEL.updated.onnx beside the detector',
    placeholder: 'FILE',
    group: 'output',
  }),
  ...outputShape,
})

/** `cflow update`: a detector file that knows further good images. */
export const command = defineCommand({
  arguments: { model: 'detector file (model.onnx)' },
  settings: schema,
  async run(session, settings, path: string) {
    const { good, date } = settings
    if (good === undefined)
      throw usage('--good', 'which images are to be added? --good is missing', 'give --good DIR')
    const { model } = await readDetector(path)
    const samples = await goodSamples(good)
    const out = settings.out ?? path.replace(/(\.onnx)?$/i, '.updated.onnx')
    const runtime = await runtimeOf(settings)
    const began = performance.now()
    const progress = progressReporter(session)
    const { onProgress } = progress
    const { signal } = session.io
    const result = await updateDetector({ model, samples, runtime, date, onProgress, signal })
      .finally(() => progress.end()) // prettier-ignore
    signal.throwIfAborted()
    await writeFileAtomic(out, result.model)
    if (session.json) {
      const { images, threshold, above, manifest } = result
      const { scores } = manifest.calibration
      const earlier = { images: scores.length - images.length, above }
      return printJson(session, { file: out, threshold, images, earlier, history: manifest.history }) // prettier-ignore
    }
    session.io.out(imageTable(result))
    session.io.out(
      `\n${listing([
        ...summary(result),
        ['time', `${((performance.now() - began) / 1000).toFixed(1)} s`],
        ['detector', `${out} (${megabytes(result.model.length)})`],
      ])}`,
    )
  },
})

/** Images of a folder, a file or a glob, taken to be good. */
async function goodSamples(path: string): Promise<readonly Sample[]> {
  const targets = await findImages([path])
  return targets.map(({ path }) => ({
    ...{ id: path, path, split: 'train', label: 'good', defect: 'good' },
    load: () => decodeImage(path),
  }))
}

const score = (value: number): string => value.toPrecision(6)

function imageTable({ images, threshold }: UpdateResult): string {
  const verdict = (value: number, limit: number) =>
    `${score(value)} ${value > limit ? 'alarm' : 'good'}`
  return table([
    ['before', 'after', 'if not added itself', 'image'],
    ...images.map(({ id, before, after, unseen }) => [
      verdict(before, threshold.before),
      verdict(after, threshold.after),
      verdict(unseen, threshold.after),
      id,
    ]),
  ])
}

/** What changed. */
function summary({ images, threshold, above, manifest }: UpdateResult): [string, string][] {
  const alarms = (limit: number, of: (image: (typeof images)[number]) => number) =>
    images.filter((image) => of(image) > limit).length
  const { length } = images
  const earlier = manifest.calibration.scores.length - length
  const rest = alarms(threshold.after, (i) => i.unseen)
  return [
    ['alarms', `${alarms(threshold.before, (i) => i.before)} of ${length} before, ${alarms(threshold.after, (i) => i.after)} after; ${length > 1 ? `${rest} of images like these, each judged without it` : 'one image does not tell of others like it'}`], // prettier-ignore
    ['threshold', `${score(threshold.before)} before, ${score(threshold.after)} after`],
    ['earlier', `${above.before} of ${earlier} earlier calibration scores were above the threshold, ${above.after} are above it now`], // prettier-ignore
  ]
}
