import { encoderSpec } from '@cflow/encoders'
import { findEncoderWeights } from '@cflow/encoders/node'
import type { Pictures } from '../conduct/pictures.js'
import { picturesOfTrial } from '../conduct/run-trial.js'
import { pngOf } from '../figures/draw.js'
import type { Laboratory } from '../laboratory.js'
import { paragraphs } from '../markdown.js'
import { mvtec, paperInputSize, trialsOf, type Case, type Selection } from '../selection.js'
import type { TrialData } from '../trial.js'
import { conditions, footnotes } from './notes.js'
import type { Document, Plan } from './target.js'

const [paperEncoder, embedded] = ['wide-resnet50-2', 'efficientnet-lite0'] as const

/** A class of MVTec AD where it is there, else built-in images of that name. */
export async function figureData(
  category: string,
  { trainImages: train, testImages: test }: Selection,
  { resources }: Laboratory,
): Promise<TrialData> {
  const isReal = (await resources.available('mvtec')).includes(category)
  const isDrawn = (await resources.available('synthetic')).includes(category)
  return !isReal && isDrawn ? { set: 'synthetic', category, train, test } : mvtec(category)
}

/** A case of which there is something to show. */
export interface Shown {
  readonly one: Case
  readonly pictures: Pictures
}

/** A figure of detectors: CFLOW-AD as in Table 4, one for each category. */
export async function detectorFigure(
  selection: Selection,
  laboratory: Laboratory,
  categories: readonly string[],
  draw: (shown: readonly Shown[]) => Omit<Document, 'body' | 'pictures'> & {
    readonly svg: string
    /** The picture in Markdown. */
    readonly link: string
    readonly texts: readonly string[]
  },
): Promise<Plan> {
  // the one that comes with the package where the weights of the paper's are missing
  const hasWeights = async () => (await findEncoderWeights(encoderSpec(paperEncoder))) !== undefined
  const encoder = selection.encoders?.[0] ?? ((await hasWeights()) ? paperEncoder : embedded)
  const cases: Case[] = []
  for (const category of categories) {
    const inputSize = selection.inputSizes?.[0] ?? paperInputSize(category)
    const data = await figureData(category, selection, laboratory)
    cases.push({ method: 'cflow', encoder, inputSize, data })
  }
  return {
    cases,
    async document(outcomeOf) {
      const notes = footnotes()
      const outcomes = cases.map(outcomeOf)
      for (const { missing } of outcomes) notes.mark(missing)
      const shown: Shown[] = []
      for (const one of cases) {
        const [trial] = trialsOf(selection, one)
        const pictures = trial && (await picturesOfTrial(trial, laboratory))
        if (pictures) shown.push({ one, pictures })
      }
      const { title, data, filled, svg, link, texts } = draw(shown)
      const body = paragraphs(
        filled && link,
        ...texts,
        filled && differsText(cases, selection),
        notes.text(),
        conditions(
          selection,
          outcomes.flatMap((o) => o.results),
        ),
      )
      const pictures = filled && { pictures: { '.svg': svg, '.png': await pngOf(svg) } }
      return { title, body, data, ...pictures, filled }
    },
  }
}

/** What differs from the paper's figure, as a sentence; absent where nothing does. */
function differsText(cases: readonly Case[], selection: Selection): string | undefined {
  const remarks: string[] = []
  if (!selection.encoders && cases.some((c) => c.encoder !== paperEncoder))
    remarks.push(`the weights of ${paperEncoder} are not on this machine (cflow encoders pull ${paperEncoder}): drawn with ${embedded}`) // prettier-ignore
  const drawn = cases.filter((c) => c.data.set === 'synthetic').map((c) => c.data.category)
  if (drawn.length > 0)
    remarks.push(`${drawn.join(', ')}: built-in images, not MVTec AD’s (--mvtec DIR)`)
  return remarks.length > 0 ? `Other than in the paper: ${remarks.join('; ')}.` : undefined
}
