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
import { extname, join } from 'node:path'
import * as z from 'zod'
import { defineCommand } from '../command.js'
import { printJson } from '../io.js'
import { statusLine } from '../progress/reporter.js'
import { prepareFile } from '../run-folder.js'
import { usage } from '../settings/parse.js'
import { datasetShape, outputShape, overwrite, text } from '../settings/schema.js'

const schema = z.object({
  ...z.object(datasetShape).omit({ root: true, scenes: true }).shape,
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
    const kept = out === undefined ? new Set<Sample>() : shownOf(dataset)
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
      const sections = sectionsOf(survey, dataset)
      await writeSheet(file, await renderContactSheet({ title: category, reading, warnings, sections })) // prettier-ignore
    }
    if (session.json)
      return printJson(session, {
        ...{ category, train: train.length, test: test.length },
        ...(reading && { folders: reading.folders, unread: reading.unread }),
        warnings,
        ...(file !== undefined && { files: { sheet: file } }),
      })
    const lines = reading ? readingLines({ ...reading, warnings }, Infinity) : []
    const counts = `${category}: ${train.length} to learn from, ${test.length} to judge by`
    session.io.out(`${[counts, ...lines, ...(file ? [`sheet      ${file}`] : [])].join('\n')}\n`)
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

/**
 * What the sheet shows, in order. A ranking of suspicious images is one more section before the classes, of images that
 * `surveyDataset` kept pictures of.
 */
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
