import { CflowError, issueText, type SchemaIssue } from '@cflow/base'
import * as z from 'zod'
import type { Dataset } from '../dataset.js'
import { setting, type CommonSettings, type DatasetDriver, type OpenContext } from '../driver.js'
import { synthetic } from '../synthetic/synthetic.js'
import { folder } from './folder.js'
import { mvtec } from './mvtec.js'
import { stc } from './stc/stc.js'

/** Every data set there is. */
export const drivers = [mvtec, folder, stc, synthetic] as const

/** The settings of all of them in one shape. */
type Shapes<D> = (D extends DatasetDriver<infer S> ? (shape: S['shape']) => void : never) extends (
  shape: infer All,
) => void
  ? All
  : never

const names = drivers.map((driver) => driver.name)
const text = z.string().min(1)

/** Settings that decide which images are used. */
export const datasetSettings = z.object({
  dataset: setting(z.enum(names), {
    help: 'kind of data set',
    placeholder: 'NAME',
    otherwise: 'folder when --root is given',
  }),
  root: setting(text, { help: 'folder of the images', placeholder: 'DIR' }),
  category: setting(text, {
    help: 'category of mvtec, or kind of synthetic images',
    placeholder: 'NAME',
  }),
  ...(Object.assign({}, ...drivers.map((driver) => driver.settings.shape)) as Shapes<
    (typeof drivers)[number]
  >),
})
export type DatasetSettings = z.input<typeof datasetSettings>

/**
 * The images that the settings choose. Which images those are never depends on the training's seed, so that trainings
 * with different seeds compare.
 * @throws CflowError USAGE for what is missing or belongs to another data set (the subject is the flag); NOT_FOUND,
 *   EMPTY, MASK, IMAGE, IO
 */
export async function openDataset(
  settings: DatasetSettings,
  context: OpenContext = {},
): Promise<Dataset> {
  const [driver, own] = chosen(settings)
  return driver.open(own, context)
}

/**
 * The categories of a data set, or the scenes that can be tested.
 * @throws CflowError as `openDataset`
 */
export async function datasetCategories(settings: DatasetSettings): Promise<readonly string[]> {
  const [driver, own] = chosen(settings)
  return driver.categories(own)
}

function chosen(
  settings: DatasetSettings,
): readonly [DatasetDriver, CommonSettings & Record<string, unknown>] {
  const parsed = datasetSettings.safeParse(settings)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]! as SchemaIssue
    const key = String(issue.path[0]) as keyof DatasetSettings
    throw usage(key, issueText('', issue, settings[key]))
  }
  const given: Readonly<Record<string, unknown>> = parsed.data
  const { root, dataset: name = root === undefined ? undefined : 'folder' } = parsed.data
  const driver = (drivers as readonly DatasetDriver[]).find((d) => d.name === name)
  if (driver === undefined)
    throw new CflowError('USAGE', 'no images to work on: --dataset or --root is missing', {
      subject: '--dataset',
      hint: `Give --root DIR with your images, or --dataset ${names.join('|')}.`,
    })
  for (const { settings } of drivers)
    for (const key of Object.keys(settings.shape))
      if (given[key] !== undefined && !(key in driver.settings.shape)) {
        const theirs = drivers.filter((d) => key in d.settings.shape).map((d) => d.name)
        throw usage(key, ` is for --dataset ${theirs.join(' or ')} only`)
      }
  if (driver.builtIn && root !== undefined)
    throw new CflowError('USAGE', `--dataset ${name} draws its images: it has no --root`, {
      subject: '--root',
    })
  if (!driver.builtIn && root === undefined)
    throw new CflowError('USAGE', `--dataset ${name} needs --root`, {
      subject: '--root',
      hint: 'Give the folder that holds the images.',
    })
  return [driver, { ...parsed.data, root: root ?? '' }]
}

/** What is wrong with a setting, as an error about its flag: frameStep → --frame-step. */
function usage(key: string, problem: string): CflowError {
  const subject = `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`
  return new CflowError('USAGE', `${subject}${problem}`, { subject })
}
