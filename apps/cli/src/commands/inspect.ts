import type { Mask, RgbImage } from '@cflow/base'
import { readingLines, type Dataset, type Sample } from '@cflow/datasets'
import {
  openDataset,
  surveyDataset,
  surveyWarnings,
  writeSheet,
  type Survey,
  type SurveyedImage,
} from '@cflow/datasets/node'
import { renderContactSheet, type SheetImage, type SheetSection } from '@cflow/report/node'
import { cflow } from '@cflow/methods'
import { rankSuspicious, suspicionText, type Suspicion } from '@cflow/trainer'
import { extname, join } from 'node:path'
import * as z from 'zod'
import { defineCommand } from '../command.js'
import { prepareEncoder } from '../encoder.js'
import { printJson, type Session } from '../io.js'
import { progressReporter, statusLine } from '../progress/reporter.js'
import { prepareFile } from '../run-folder.js'
import { usage } from '../settings/parse.js'
import { runtimeOf } from '../settings/machine.js'
import {
  datasetShape,
  encoderShape,
  machineShape,
  outputShape,
  overwrite,
  text,
} from '../settings/schema.js'
import { grouped } from '../settings/settings.js'

const schema = z.object({
  ...z.object(datasetShape).omit({ root: true, scenes: true }).shape,
  suspicious: z
    .union([
      z.boolean(),
      z.int().min(1),
      z
        .string()
        .regex(/^[1-9]\d*$/)
        .transform(Number),
    ])
    .optional()
    .meta({
      help: 'say which of the images to learn from fit the others worst: N of them, 10 without a number',
      placeholder: '[N]',
      group: 'images',
      error: 'takes a number of images from 1 on; the folder comes before it',
    }),
  ...grouped('encoder', {
    encoder: text('feature extractor of --suspicious', { otherwise: 'efficientnet-lite0' }),
    inputSize: cflow.settings.shape.inputSize.optional().meta({
      help: 'size that images are resized to for --suspicious',
      placeholder: 'PIXELS',
      otherwise: '256',
    }),
  }),
  ...encoderShape,
  ...machineShape,
  out: text('contact sheet to write, an HTML file or a folder for inspect.html', {
    placeholder: 'FILE',
    group: 'output',
  }),
  overwrite,
  ...outputShape,
})

/** Most pictures of one class on a contact sheet, beside those of images whose masks are remarkable. */
const mostPictures = 60

/** `cflow inspect`: how the folders of a data set are read, what may be wrong with it, and a sheet of its images. */
export const command = defineCommand({
  arguments: { folder: 'folder of the images' },
  settings: schema,
  async run(session, settings, root: string) {
    if (settings.dataset === 'synthetic')
      throw usage('--dataset', 'inspect looks at a folder, and synthetic images lie in none')
    const { out } = settings
    const file = out === undefined ? undefined : sheetPath(out)
    const dataset = await openDataset({ ...settings, root })
    const { category, reading, train, test } = dataset
    if (file !== undefined) await prepareFile(file, settings.overwrite)
    const suspicious = await suspiciousOf(session, settings, dataset)
    const worst = suspicious.map(({ index }) => train[index]!)
    const kept = new Set(out === undefined ? [] : [...shownOf(dataset), ...worst])
    const status = statusLine(session)
    const survey = await surveyDataset(dataset, {
      pictureOf: (sample, remarkable) => out !== undefined && (remarkable || kept.has(sample)),
      onProgress(done, total) {
        session.io.signal.throwIfAborted()
        status.show(() => `inspect ${done}/${total}`)
      },
    }).finally(() => status.end())
    const warnings = [...(reading?.warnings ?? []), ...surveyWarnings(survey)]
    if (file !== undefined) {
      const ranked = suspicious.length > 0 ? [suspiciousSection(suspicious, survey, dataset)] : []
      const sections = [...ranked, ...sectionsOf(survey, dataset)]
      await writeSheet(file, await renderContactSheet({ title: category, reading, warnings, sections })) // prettier-ignore
    }
    if (session.json)
      return printJson(session, {
        ...{ category, train: train.length, test: test.length },
        ...(reading && { folders: reading.folders, unread: reading.unread }),
        warnings,
        ...(settings.suspicious && { suspicious: suspicious.map(({ index: _, ...s }) => s) }),
        ...(file !== undefined && { files: { sheet: file } }),
      })
    const lines = reading ? readingLines({ ...reading, warnings }, Infinity) : []
    const ranking = suspicious.length > 0 ? suspiciousLines(suspicious) : []
    const counts = `${category}: ${train.length} to learn from, ${test.length} to judge by`
    session.io.out(
      `${[counts, ...lines, ...ranking, ...(file ? [`sheet      ${file}`] : [])].join('\n')}\n`,
    )
  },
})

const sheetPath = (out: string): string =>
  /^\.html?$/i.test(extname(out)) ? out : join(out, 'inspect.html')

/** Images of one use and class, in order. */
function classesOf<T>(items: readonly T[], sampleOf: (item: T) => Sample): Map<string, T[]> {
  const classes = new Map<string, T[]>()
  for (const item of items) {
    const { split, label, defect } = sampleOf(item)
    const what = label === 'good' ? 'good' : label === 'unknown' ? 'unlabelled' : defect
    const title = split === 'train' ? 'To learn from: good' : `To judge by: ${what}`
    classes.set(title, [...(classes.get(title) ?? []), item])
  }
  return classes
}

/** The samples that a sheet shows: all of a small class, of a large one some, evenly spread. */
function shownOf({ train, test }: Dataset): ReadonlySet<Sample> {
  const shown = new Set<Sample>()
  for (const samples of classesOf([...train, ...test], (s) => s).values()) {
    const step = Math.max(1, samples.length / mostPictures)
    for (let i = 0; i < samples.length; i += step) shown.add(samples[Math.floor(i)]!)
  }
  return shown
}

/** Images that are named where no number is given. */
const usualRanking = 10

/** The images to learn from that fit the others worst, as many as are asked for. */
async function suspiciousOf(
  session: Session,
  settings: z.infer<typeof schema>,
  { train }: Dataset,
): Promise<readonly Suspicion[]> {
  const { suspicious = false, encoder, inputSize } = settings
  if (suspicious === false) return []
  const { open } = await prepareEncoder({ encoder, inputSize }, settings)
  const runtime = await runtimeOf(settings)
  const progress = progressReporter(session)
  const ranked = await rankSuspicious({
    ...{ samples: train, encoder: await open(runtime), runtime, signal: session.io.signal },
    onProgress: progress.onProgress,
  }).finally(() => progress.end())
  return ranked.slice(0, suspicious === true ? usualRanking : suspicious)
}

/** What a ranking says in all. */
function verdictOn(suspicious: readonly Suspicion[]): string {
  const { length } = suspicious.filter((s) => s.standsOut)
  if (length === 0) return 'none stands out: these are merely the least usual'
  return `${length === suspicious.length ? `all ${length}` : length} of these ${length === 1 ? 'stands' : 'stand'} out from the others: look at ${length === 1 ? 'it' : 'them'}`
}

const suspiciousLines = (suspicious: readonly Suspicion[]): readonly string[] => [
  `fit the others worst; ${verdictOn(suspicious)}`,
  ...suspicious.map((s) => `  ${s.standsOut ? '!' : ' '} ${s.id}  ${suspicionText(s)}`),
]

/** The ranking as a section, with what is unusual encircled. */
function suspiciousSection(
  suspicious: readonly Suspicion[],
  { images }: Survey,
  { train }: Dataset,
): SheetSection {
  const surveyed = new Map(images.map((image) => [image.sample, image]))
  return {
    title: 'To learn from: those that fit the others worst',
    note: verdictOn(suspicious),
    total: suspicious.length,
    images: suspicious.flatMap((s): readonly SheetImage[] => {
      const image = surveyed.get(train[s.index]!)
      if (image?.picture === undefined) return []
      const { picture } = image
      const mask = discAt(s.at, image, picture)
      return [{ id: s.id, picture, mask, outlined: 'what is unusual', notes: [suspicionText(s)] }]
    }),
  }
}

/** A disc around a pixel of an image, on its picture. */
function discAt(at: Suspicion['at'], image: SurveyedImage, { width, height }: RgbImage): Mask {
  const [cx, cy] = [(at.x * width) / image.width, (at.y * height) / image.height]
  const radius = Math.max(width, height) / 10
  const inside = (i: number) => Math.hypot((i % width) - cx, Math.floor(i / width) - cy) <= radius
  return { width, height, data: Uint8Array.from({ length: width * height }, (_, i) => Number(inside(i))) } // prettier-ignore
}

/** What the sheet shows of the classes, in order. */
function sectionsOf({ images }: Survey, { train, test }: Dataset): readonly SheetSection[] {
  const totals = classesOf([...train, ...test], (s) => s)
  return [...classesOf(images, ({ sample }) => sample)].map(([title, own]) => ({
    title,
    images: own.flatMap(sheetImage),
    total: totals.get(title)!.length,
  }))
}

function sheetImage({ sample, picture, mask, remarks }: SurveyedImage): readonly SheetImage[] {
  if (picture === undefined) return []
  const notes = remarks.map((text) => `mask ${text}`)
  return [{ id: sample.id, picture, notes, ...(mask && { mask }) }]
}
