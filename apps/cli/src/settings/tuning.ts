import * as z from 'zod'
import { usage } from './parse.js'
import { grouped } from './settings.js'

const unit = /^(\d+(?:\.\d+)?|\.\d+)\s*(ms|s)?$/

/** `30`, `30ms` and `0.03s` are the same number of milliseconds. */
const milliseconds = z.union([
  z.number().positive(),
  z
    .string()
    .regex(unit)
    .transform((text) => {
      const [, value, of] = unit.exec(text)!
      return Number(value) * (of === 's' ? 1000 : 1)
    })
    .pipe(z.number().positive()),
])

/** Settings of choosing settings. */
export const tuningShape = grouped('tuning', {
  budget: milliseconds.optional().meta({
    help: 'longest time that a detector may take for an image on this machine',
    placeholder: 'MS',
    error: 'is a time such as 30ms',
  }),
  minutes: z.number().positive().max(100_000).optional().meta({
    help: 'time that choosing takes, about; more of it compares more',
    placeholder: 'N',
    otherwise: '10',
  }),
})

/** @throws CflowError USAGE for settings of a choice that is not asked for */
export function requireAuto(settings: {
  readonly auto?: boolean | undefined
  readonly budget?: number | undefined
  readonly minutes?: number | undefined
}): void {
  if (settings.auto === true) return
  const key = (['budget', 'minutes'] as const).find((k) => settings[k] !== undefined)
  if (key)
    throw usage(
      `--${key}`,
      `--${key} is for choosing the settings`,
      'Add --auto, or use cflow tune.',
    )
}
