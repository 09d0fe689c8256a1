import { CflowError } from '@cflow/base'
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
  throw new CflowError('CONFIG', `there is no method ${name}`, {
    subject: 'method',
    hint: `use one of ${methods.map((m) => m.name).join(', ')}`,
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
      hint: `use one of ${names.join(', ')}`,
    })
  const parsed = method.settings.strict().safeParse({ ...method.recipes[recipe], ...settings })
  if (!parsed.success) throw invalid(parsed.error, method)
  method.check?.(parsed.data)
  return { method: method.name, recipe, ...parsed.data } as TrainConfig<N>
}

function invalid(error: z.ZodError, method: Method): CflowError {
  const issue = error.issues[0]
  if (issue?.code === 'unrecognized_keys') return noSetting(issue.keys[0] ?? '', method)
  return new CflowError('CONFIG', z.prettifyError(error), {
    subject: issue?.path.join('.') ?? '',
  })
}

const noSetting = (key: string, { name, settings }: Method): CflowError =>
  new CflowError('CONFIG', `${key} is no setting of ${name}`, {
    subject: key,
    hint: `settings of ${name}: ${Object.keys(settings.shape).join(', ')}`,
  })
