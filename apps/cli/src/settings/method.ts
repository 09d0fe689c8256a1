import { CflowError } from '@cflow/base'
import { methodOf, methods, trainSettings, type TrainOptions } from '@cflow/methods'
import { kebab } from './table.js'
import type { TrainSettings } from './train-schema.js'

const keys = ['method', 'recipe', ...Object.keys(trainSettings.shape)]

/**
 * The settings that decide what a training makes, without those of the images and the machine.
 * @throws CflowError CONFIG for a method that does not exist, USAGE for what needs a checkpoint where there is none
 */
export function settingsOf(settings: TrainSettings): TrainOptions {
  const method = methodOf(settings.method ?? methods[0].name)
  for (const key of ['resume', 'stopAfter'] as const)
    if (settings[key] !== undefined && !('passes' in method.settings.shape))
      throw new CflowError('USAGE', `${method.title} keeps no checkpoint to resume`, {
        subject: `--${kebab(key)}`,
        hint: `Leave --${kebab(key)} out.`,
      })
  const own = Object.entries(settings).filter(([key]) => keys.includes(key))
  return { method: method.name, ...Object.fromEntries(own) } as TrainOptions
}
