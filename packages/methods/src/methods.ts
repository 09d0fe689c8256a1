import { CflowError, didYouMean, issueText, type SchemaIssue } from '@cflow/base'
import * as z from 'zod'
import { cflow } from './cflow/cflow.js'
import { dfr } from './dfr/dfr.js'
import { differnet } from './differnet/differnet.js'
import type { Method } from './method.js'
import { padim } from './padim/padim.js'
import { patchcore } from './patchcore/patchcore.js'
import type { SettingMeta } from './settings.js'
import { spade } from './spade/spade.js'

/** Every method; the first is the default. */
export const methods = [cflow, padim, spade, patchcore, dfr, differnet] as const

type AnyMethod = (typeof methods)[number]
export type MethodName = AnyMethod['name']

/** @throws CflowError CONFIG for a method that does not exist */
export function methodOf(name: string): Method {
  const found = methods.find((m) => m.name === name)
  if (found) return found
  const names = methods.map((m) => m.name)
  throw new CflowError('CONFIG', `there is no method ${name}`, {
    subject: 'method',
    hint: `${didYouMean(name, names)}use one of ${names.join(', ')}`,
  })
}

type ConfigOf<M> =
  M extends Method<infer N, infer S>
    ? Readonly<z.infer<S>> & { readonly method: N; readonly recipe: string }
    : never
/** Everything that decides what a training makes. Two trainings with equal settings and images give equal files. */
export type TrainConfig<N extends MethodName = MethodName> = ConfigOf<
  Extract<AnyMethod, { readonly name: N }>
>

type AllOf<U> = (U extends unknown ? (all: U) => void : never) extends (all: infer I) => void
  ? I
  : never
type AllShapes = AllOf<AnyMethod['settings']['shape']>
type AllSettings = z.infer<z.ZodObject<AllShapes>>

const isInternal = (schema: z.ZodType): boolean =>
  (schema.meta() as SettingMeta | undefined)?.internal === true

/** Every setting of some method that has a flag, each optional; `SettingMeta` says what is known of it. */
export const trainSettings = z
  .object(
    Object.fromEntries(
      methods.flatMap((m) =>
        Object.entries(m.settings.shape).filter(([, schema]) => !isInternal(schema)),
      ),
    ) as AllShapes,
  )
  .partial()

/** Some settings; what is absent comes from the recipe, and that from the method. */
export type TrainOptions<N extends MethodName = MethodName> = {
  readonly [K in keyof AllSettings]?: AllSettings[K] | undefined
} & { readonly method?: N | undefined; readonly recipe?: string | undefined }

/**
 * Complete settings from some.
 * @throws CflowError CONFIG that names the field, also for a setting that the method does not have
 */
export function resolveConfig<N extends MethodName = 'cflow'>(
  options: TrainOptions<N> = {},
): TrainConfig<N> {
  const given = Object.fromEntries(Object.entries(options).filter(([, v]) => v !== undefined))
  const { method: name = methods[0].name, recipe: wanted, ...settings } = given
  const method = methodOf(String(name))
  const names = Object.keys(method.recipes)
  const recipe = String(wanted ?? names[0])
  if (!names.includes(recipe) && names.length === 1) throw noSetting('recipe', method)
  if (!names.includes(recipe))
    throw new CflowError('CONFIG', `there is no recipe ${recipe}`, {
      subject: 'recipe',
      hint: `${didYouMean(recipe, names)}use one of ${names.join(', ')}`,
    })
  const parsed = method.settings.strict().safeParse({ ...method.recipes[recipe], ...settings })
  if (!parsed.success) throw invalid(parsed.error, method, settings)
  method.check?.(parsed.data)
  return { method: method.name, recipe, ...parsed.data } as TrainConfig<N>
}

function invalid(
  error: z.ZodError,
  method: Method,
  given: Readonly<Record<string, unknown>>,
): CflowError {
  const [issue] = error.issues
  if (issue?.code === 'unrecognized_keys') return noSetting(issue.keys[0] ?? '', method)
  const key = String(issue?.path[0] ?? '')
  const problem = issue ? issueText(key, issue as SchemaIssue, given[key]) : error.message
  return new CflowError('CONFIG', problem, { subject: key })
}

/** Whose it is instead, or what it may have meant. */
function noSetting(key: string, { title, name, settings }: Method): CflowError {
  const has = ({ recipes, settings: own }: Method) =>
    key === 'recipe' ? Object.keys(recipes).length > 1 : key in own.shape
  const owners = methods.filter(has).map((m) => m.name)
  const known = Object.keys(settings.shape)
  const hint =
    owners.length > 0
      ? `it is one of method ${owners.join(', ')}`
      : `${didYouMean(key, known)}settings of ${name}: ${known.join(', ')}`
  return new CflowError('CONFIG', `${key} is no setting of ${title}`, { subject: key, hint })
}
