import { encoderSpec } from '@cflow/encoders'
import { findEncoderWeights } from '@cflow/encoders/node'
import type { Pictures } from '../conduct/pictures.js'
import { picturesOfTrial } from '../conduct/run-trial.js'
import type { Laboratory } from '../laboratory.js'
import { paragraphs } from '../markdown.js'
import type { Result } from '../result.js'
import { trialsOf } from '../selection.js'
import type { Case, Selection } from '../selection.js'
import type { TrialData } from '../trial.js'
import { footnotes } from './notes.js'
import { conditions, paperInputSize } from './protocols.js'
import type { Finished } from './target.js'

const [paperEncoder, embedded] = ['wide-resnet50-2', 'efficientnet-lite0'] as const

/** The paper's encoder for figures, or the one that comes with the package where its weights are missing. */
export async function figureEncoder({ encoders }: Selection): Promise<string> {
  const [given] = encoders ?? []
  if (given !== undefined) return given
  return (await findEncoderWeights(encoderSpec(paperEncoder))) === undefined
    ? embedded
    : paperEncoder
}

/** A class of MVTec AD where it is there, else built-in images of that name. */
export async function figureData(
  category: string,
  { trainImages: train, testImages: test }: Selection,
  { resources }: Laboratory,
): Promise<TrialData> {
  const real = (await resources.available('mvtec')).includes(category)
  const drawn = (await resources.available('synthetic')).includes(category)
  return !real && drawn ? { set: 'synthetic', category, train, test } : { set: 'mvtec', category }
}

/** CFLOW-AD as in Table 4, on each category. */
export async function figureCases(
  categories: readonly string[],
  selection: Selection,
  laboratory: Laboratory,
): Promise<readonly Case[]> {
  const encoder = await figureEncoder(selection)
  const cases: Case[] = []
  for (const category of categories)
    cases.push({
      method: 'cflow',
      encoder,
      inputSize: selection.inputSizes?.[0] ?? paperInputSize(category),
      data: await figureData(category, selection, laboratory),
    })
  return cases
}

/** The cases of which there is something to show, and what is said of all of them below the figure. */
export async function shownCases(
  cases: readonly Case[],
  { selection, laboratory, caseOf }: Finished,
): Promise<{
  readonly shown: readonly { readonly one: Case; readonly pictures: Pictures }[]
  readonly remarks: (filled: boolean) => string
}> {
  const notes = footnotes()
  const results: Result[] = []
  const shown: { one: Case; pictures: Pictures }[] = []
  for (const one of cases) {
    const outcome = caseOf(one)
    notes.mark(outcome.reasons)
    results.push(...outcome.results)
    const [trial] = trialsOf(selection, one)
    const pictures = trial && (await picturesOfTrial(trial, laboratory))
    if (pictures) shown.push({ one, pictures })
  }
  const remarks = (filled: boolean): string =>
    paragraphs(
      filled && differsText(cases, selection),
      notes.text(),
      conditions(selection, results),
    )
  return { shown, remarks }
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
