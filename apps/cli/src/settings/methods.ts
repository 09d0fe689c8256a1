import {
  methodOf,
  methods,
  trainSettings as methodSettings,
  type TrainOptions,
} from '@cflow/methods'
import * as z from 'zod'
import { queueSetting } from '../queue.js'
import { usage } from './parse.js'
import {
  datasetShape,
  dir,
  encoderShape,
  evaluateAt,
  machineShape,
  outFolder,
  outputShape,
  overwrite,
  protocol,
  text,
  toggle,
} from './schema.js'
import { tuningShape } from './tuning.js'
import { defaultText, grouped, kebab, type SettingMeta } from './settings.js'

type Shape = typeof methodSettings.shape

/** A setting of several methods is one flag; help says whose it is where not all have it. */
function methodsShape(): Shape {
  const field = ([key, schema]: [string, z.ZodType]) => {
    const owners = methods.filter((m) => key in m.settings.shape)
    const own = owners[0]?.settings.shape[key as 'encoder'] as z.ZodType
    const { help = '', negation, ...meta } = (own.meta() ?? {}) as SettingMeta
    const titles = owners.map((m) => m.title).join(', ')
    const owned = (text: string) => (owners.length < methods.length ? `${titles}: ${text}` : text)
    return schema.meta({
      ...{ otherwise: defaultOf(owners, key), ...meta, help: owned(help) },
      ...(negation && { negation: { ...negation, help: owned(negation.help) } }),
    })
  }
  const shape = Object.entries(methodSettings.shape) as [string, z.ZodType][]
  return Object.fromEntries(shape.map((entry) => [entry[0], field(entry)])) as unknown as Shape
}

/** Such as '4; paper: 200; DFR, DifferNet: 20': that of the first recipe, and of those that differ. */
function defaultOf(owners: readonly (typeof methods)[number][], key: string): string | undefined {
  const names = new Map<string | undefined, string[]>()
  for (const { title, recipes } of owners)
    for (const [i, [recipe, values]] of Object.entries(recipes).entries()) {
      const value = defaultText((values as Readonly<Record<string, unknown>>)[key])
      const name = i === 0 ? title : recipe
      if (value !== name) names.set(value, [...(names.get(value) ?? []), name])
    }
  const all = [...names].map(([value, of], i) => (i === 0 ? value : `${of.join(', ')}: ${value}`))
  return all.join('; ') || undefined
}

const recipes = methods.flatMap(({ title, recipes }) => {
  const names = Object.keys(recipes)
  return names.length > 1 ? [`${title}: ${names.join(' or ')}`] : []
})

/** What `train` takes: the settings of every method, and what decides images and machine. */
export const trainSettings = z.object({
  ...datasetShape,
  ...grouped('training', {
    method: z
      .enum(methods.map((m) => m.name))
      .default(methods[0].name)
      .meta({ help: 'how to detect' }),
    recipe: z
      .string()
      .min(1)
      .optional()
      .meta({
        help: `sets the defaults of the rest (${recipes.join('; ')})`,
        otherwise: 'the first',
      }),
  }),
  ...methodsShape(),
  ...encoderShape,
  ...grouped('calibration', {
    knownDefects: text('a few defective images: nothing is learned from them, the threshold is placed between', dir), // prettier-ignore
  }),
  ...grouped('training', {
    stopAfter: z.int().min(0).optional().meta({ help: 'stop after N passes; --resume goes on' }),
    resume: toggle('go on from the checkpoint in --out'),
  }),
  ...grouped('tuning', {
    auto: toggle('choose first what no flag says, as `cflow tune` does, then train'),
  }),
  ...tuningShape,
  protocol,
  evaluateAt,
  ...machineShape,
  ...grouped('machine', { queue: queueSetting }),
  out: outFolder('folder for the results', 'runs/CATEGORY'),
  overwrite,
  ...outputShape,
})
export type TrainSettings = z.infer<typeof trainSettings>

const keys = ['recipe', ...Object.keys(methodSettings.shape)]

/**
 * The settings that decide what a training makes, without those of the images and the machine.
 * @throws CflowError USAGE for what needs a checkpoint where the method keeps none
 */
export function settingsOf(settings: TrainSettings): TrainOptions {
  const method = methodOf(settings.method)
  const key = (['resume', 'stopAfter'] as const).find((k) => settings[k] !== undefined)
  if (key && !('passes' in method.settings.shape)) {
    const flag = `--${kebab(key)}`
    throw usage(flag, `${method.title} keeps no checkpoint to resume`, `Leave ${flag} out.`)
  }
  const own = Object.entries(settings).filter(([key, v]) => keys.includes(key) && v !== undefined)
  return { method: method.name, ...Object.fromEntries(own) } as TrainOptions
}

/** Settings of the training: what is not said comes from the recipe, and for recipe `paper` from the dataset. */
export function optionsOf(settings: TrainSettings): TrainOptions {
  const asAuthors = settings.dataset === 'stc' && settings.recipe === 'paper'
  return { ...(asAuthors && { normalisation: 'stc' }), ...settingsOf(settings) }
}
