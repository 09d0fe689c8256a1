import { methodOf, methods, type Method, type TrainOptions } from '@cflow/methods'
import * as z from 'zod'
import { usage } from './parse.js'
import {
  datasetShape,
  encoderShape,
  machineShape,
  outFolder,
  outputShape,
  protocol,
  toggle,
} from './schema.js'
import { defaultText, grouped, kebab, type SettingMeta } from './settings.js'

const all: readonly Method[] = methods
const allKeys = all.flatMap(({ settings }) =>
  Object.keys(settings.shape).filter((key) => settings.shape[key]?.meta()?.['internal'] !== true),
)

/** A setting of several methods is one flag; help says whose it is where not all have it. */
function methodsShape(): Readonly<Record<string, z.ZodType>> {
  const field = (key: string): z.ZodType => {
    const owners = all.filter((m) => key in m.settings.shape)
    const schema = owners[0]!.settings.shape[key] as z.ZodType
    const { help = '', negation, ...meta } = (schema.meta() ?? {}) as SettingMeta
    const titles = owners.map((m) => m.title).join(', ')
    const owned = (text: string) => (owners.length < all.length ? `${titles}: ${text}` : text)
    return schema.optional().meta({
      ...{ group: 'training', otherwise: defaultOf(owners, key), ...meta, help: owned(help) },
      ...(negation && { negation: { ...negation, help: owned(negation.help) } }),
    })
  }
  return Object.fromEntries(allKeys.map((key) => [key, field(key)]))
}

/** Such as '4; paper: 200; DFR, DifferNet: 20': that of the first recipe, and of those that differ. */
function defaultOf(owners: readonly Method[], key: string): string | undefined {
  const names = new Map<string | undefined, string[]>()
  for (const { title, recipes } of owners)
    for (const [i, [recipe, values]] of Object.entries(recipes).entries()) {
      const value = defaultText(values[key])
      const name = i === 0 ? title : recipe
      if (value !== name) names.set(value, [...(names.get(value) ?? []), name])
    }
  const all = [...names].map(([value, of], i) => (i === 0 ? value : `${of.join(', ')}: ${value}`))
  return all.join('; ') || undefined
}

/** Methods whose defaults come in several sets. */
const withRecipes = all.filter((m) => Object.keys(m.recipes).length > 1)
const recipes = withRecipes.flatMap((m) => Object.keys(m.recipes))
const recipeHelp = `${withRecipes.map((m) => m.title).join(', ')}: sets the defaults of the rest`

/** What `train` takes: the settings of every method, and what decides images and machine. */
export const trainSettings = z.object({
  ...datasetShape,
  ...grouped('training', {
    method: z
      .enum(methods.map((m) => m.name))
      .default(methods[0].name)
      .meta({ help: 'how to detect' }),
    recipe: z.enum(recipes).optional().meta({ help: recipeHelp, otherwise: recipes[0] }),
  }),
  ...methodsShape(),
  ...encoderShape,
  ...grouped('training', {
    stopAfter: z.int().min(0).optional().meta({ help: 'stop after N passes; --resume goes on' }),
    resume: toggle('go on from the checkpoint in --out'),
  }),
  protocol,
  ...machineShape,
  out: outFolder('folder for the results', 'runs/CATEGORY'),
  ...outputShape,
})
export type TrainSettings = z.infer<typeof trainSettings>

/**
 * The settings that decide what a training makes, without those of the images and the machine.
 * @throws CflowError USAGE for what needs a checkpoint, of a method that does not learn in passes, and for a setting that
 *   only other methods than the default have
 */
export function optionsOf(settings: TrainSettings): TrainOptions {
  const { name, title, settings: own } = methodOf(settings.method)
  const passing = (['resume', 'stopAfter'] as const).find((k) => settings[k] !== undefined)
  if (passing && !('passes' in own.shape)) {
    const flag = `--${kebab(passing)}`
    throw usage(flag, `${title} keeps no checkpoint to resume`, `Leave ${flag} out.`)
  }
  const given = Object.entries(settings).filter(([, value]) => value !== undefined)
  const chosen = given.filter(([key]) => allKeys.includes(key))
  const [foreign] = chosen.find(([key]) => !(key in own.shape)) ?? []
  if (foreign !== undefined && name === methods[0].name) {
    const flag = `--${kebab(foreign)}`
    const others = all.filter((m) => foreign in m.settings.shape).map((m) => m.name)
    const hint = `Give --method too: ${others.join(', ')}.`
    throw usage(flag, `${flag} is no setting of ${title}`, hint)
  }
  const { method, recipe } = settings
  const asAuthors = settings.dataset === 'stc' && recipe === 'paper'
  return { ...(asAuthors && { normalisation: 'stc' }), ...Object.fromEntries(chosen), method, recipe } // prettier-ignore
}
