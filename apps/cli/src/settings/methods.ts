import { methodNames, type Method } from '@cflow/core'
import {
  baselineConfigSchema,
  baselineDefaults,
  recipes,
  resolveBaseline,
  trainConfigSchema,
  type BaselineConfig,
  type TrainOptions,
} from '@cflow/trainer'
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

/** A way to train detectors, and what can be set of it. */
interface MethodSettings {
  readonly name: Method
  readonly title: string
  readonly settings: z.ZodObject
  /** Settings that are not given, by the name of the recipe; the first is the default. */
  readonly recipes: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const methods: readonly [MethodSettings, ...MethodSettings[]] = [
  {
    name: 'cflow',
    title: methodNames.cflow,
    settings: trainConfigSchema.omit({ onnx: true }),
    recipes: { ...recipes },
  },
  ...baselineConfigSchema.options.map(({ shape }): MethodSettings => {
    const { method, ...settings } = shape
    const name = method.value
    const defaults = baselineDefaults[name]
    return { name, title: methodNames[name], settings: z.object(settings), recipes: { defaults } }
  }),
]

const cflowKeys = Object.keys(methods[0].settings.shape)
const allKeys = methods.flatMap((m) => Object.keys(m.settings.shape))

/** A setting of several methods is one flag; help says whose it is where not all have it. */
function methodsShape(): Readonly<Record<string, z.ZodType>> {
  const field = (key: string): z.ZodType => {
    const owners = methods.filter((m) => key in m.settings.shape)
    const schema = owners[0]!.settings.shape[key] as z.ZodType
    const { help = '', negation, ...meta } = (schema.meta() ?? {}) as SettingMeta
    const titles = owners.map((m) => m.title).join(', ')
    const owned = (text: string) => (owners.length < methods.length ? `${titles}: ${text}` : text)
    return schema.optional().meta({
      ...{ group: 'training', otherwise: defaultOf(owners, key), ...meta, help: owned(help) },
      ...(negation && { negation: { ...negation, help: owned(negation.help) } }),
    })
  }
  return Object.fromEntries(allKeys.map((key) => [key, field(key)]))
}

/** Such as '4; paper: 200; DFR, DifferNet: 20': that of the first recipe, and of those that differ. */
function defaultOf(owners: readonly MethodSettings[], key: string): string | undefined {
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

/** What `train` takes: the settings of every method, and what decides images and machine. */
export const trainSettings = z.object({
  ...datasetShape,
  ...methodsShape(),
  method: z
    .enum(methods.map((m) => m.name))
    .default(methods[0].name)
    .meta({ help: 'how to detect', group: 'training' }),
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
export type TrainSettings = z.infer<typeof trainSettings> & Pick<TrainOptions, 'recipe'>

/**
 * The settings that decide what a training makes, without those of the images and the machine.
 * @throws CflowError USAGE for a setting that only other methods have
 */
export function settingsOf(method: 'cflow', settings: TrainSettings): TrainOptions {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined)
  const foreign = given.find(([key]) => allKeys.includes(key) && !cflowKeys.includes(key))
  if (foreign) {
    const flag = `--${kebab(foreign[0])}`
    const hint = 'Give --method too: padim, spade, dfr or differnet.'
    throw usage(flag, `${flag} is no setting of ${methodNames[method]}`, hint)
  }
  return Object.fromEntries(given.filter(([key]) => cflowKeys.includes(key)))
}

/**
 * The configuration of a baseline; undefined for CFLOW-AD.
 * @throws CflowError CONFIG for a setting that the method does not have, USAGE for what needs a checkpoint
 */
export function baselineOf(settings: TrainSettings): BaselineConfig | undefined {
  const { method } = settings
  if (method === 'cflow') return undefined
  const key = (['resume', 'stopAfter'] as const).find((k) => settings[k] !== undefined)
  if (key) {
    const flag = `--${kebab(key)}`
    throw usage(flag, `${methodNames[method]} keeps no checkpoint to resume`, `Leave ${flag} out.`)
  }
  const own = Object.entries(settings).filter(([key]) => allKeys.includes(key))
  return resolveBaseline({ ...Object.fromEntries(own), method })
}
