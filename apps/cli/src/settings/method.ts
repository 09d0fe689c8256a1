import { CflowError } from '@cflow/base'
import { methodNames } from '@cflow/core'
import type { Method } from '@cflow/core'
import { baselineSettingsSchema, resolveBaseline, trainConfigSchema } from '@cflow/trainer'
import type { BaselineConfig, TrainOptions } from '@cflow/trainer'
import type { TrainSettings } from './train-schema.js'
import { kebab } from './table.js'

const cflowKeys = Object.keys(trainConfigSchema.shape)
const baselineKeys = Object.keys(baselineSettingsSchema.shape)

/**
 * The settings that decide what a training makes, without those of the images and the machine.
 * @throws CflowError USAGE for a setting that only other methods have
 */
export function settingsOf(method: 'cflow', settings: TrainSettings): TrainOptions {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined)
  const foreign = given.find(([key]) => baselineKeys.includes(key) && !cflowKeys.includes(key))
  if (foreign)
    throw new CflowError(
      'USAGE',
      `--${kebab(foreign[0])} is no setting of ${methodNames[method]}`,
      {
        subject: `--${kebab(foreign[0])}`,
        hint: 'Give --method too: padim, spade, dfr or differnet.',
      },
    )
  return Object.fromEntries(given.filter(([key]) => cflowKeys.includes(key)))
}

/**
 * The configuration of a baseline; undefined for CFLOW-AD.
 * @throws CflowError CONFIG for a setting that the method does not have, USAGE for what needs a checkpoint
 */
export function baselineOf(settings: TrainSettings): BaselineConfig | undefined {
  const method: Method = settings.method ?? 'cflow'
  if (method === 'cflow') return undefined
  for (const key of ['resume', 'stopAfter'] as const)
    if (settings[key] !== undefined)
      throw new CflowError('USAGE', `${methodNames[method]} keeps no checkpoint to resume`, {
        subject: `--${kebab(key)}`,
        hint: `Leave --${kebab(key)} out.`,
      })
  const known = [...cflowKeys, ...baselineKeys]
  const own = Object.entries(settings).filter(([key]) => known.includes(key))
  return resolveBaseline({ ...Object.fromEntries(own), method })
}
