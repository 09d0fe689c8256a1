import { CflowError } from '@cflow/base'
import type { Tap } from '@cflow/core'
import { averagePool, type Value } from '@cflow/graph'
import type { EncoderModel } from './encoder-model.js'

/** How neighbourhoods are written: for every tap, finest first, sides that are joined by `+`; one entry is for all taps. */
export const neighbourhoodsPattern = /^[13579](\+[13579])*(,[13579](\+[13579])*)*$/

/**
 * An encoder whose taps are averaged over neighbourhoods of k×k positions, as PatchCore (Roth et al. 2022) does it, also at
 * several sizes side by side: a tap that was one becomes one of every size.
 * @param neighbourhoods such as `3`, or `1+3,1+3,3`: three taps, of which the two finer ones are there as they are and
 *   averaged over 3×3; with more entries than taps those of the coarsest taps hold, with three of four the finest tap is as
 *   it is
 * @throws CflowError CONFIG for another notation, or fewer entries than taps but more than one
 */
export function withNeighbourhoods(model: EncoderModel, neighbourhoods: string): EncoderModel {
  const fail = (hint: string) =>
    new CflowError('CONFIG', `neighbourhoods ${neighbourhoods} do not fit`, {
      subject: 'neighbourhoods',
      hint,
    })
  if (!neighbourhoodsPattern.test(neighbourhoods))
    throw fail('write odd sides from 1 to 9 for every tap, finest first, such as 1+3,1+3,3')
  const entries = neighbourhoods.split(',').map((entry) => entry.split('+').map(Number))
  const taps = model.taps.length
  // the finest of four taps may be left out
  if (taps === 4 && entries.length === 3) entries.unshift([1])
  if (entries.length > 1 && entries.length < taps)
    throw fail(`the encoder has ${taps} taps: give one entry, or ${taps}`)
  const sides = entries.length === 1 ? model.taps.map(() => entries[0]!) : entries.slice(-taps)
  if (sides.every((s) => s.length === 1 && s[0] === 1)) return model
  const flat = sides.flatMap((own, tap) => own.map((side) => ({ tap, side })))
  return {
    ...model,
    encoder: {
      ...model.encoder,
      taps: (pixels) => {
        const maps = model.encoder.taps(pixels)
        return flat.map(({ tap, side }) => averaged(maps[tap] as Value, side))
      },
    },
    taps: flat.map(({ tap, side }): Tap => {
      const own = model.taps[tap] as Tap
      return side === 1 ? own : { ...own, neighbourhood: side }
    }),
  }
}

/**
 * A map [N, C, h, w] whose positions are means over those around them, k×k. Beyond the border there are zeros, as in the
 * authors' code: means of fewer positions would vary more there, and every image would be most anomalous at its border.
 */
const averaged = (map: Value, side: number): Value => (side === 1 ? map : averagePool(map, side))
