import { encoderSpec } from '@cflow/encoders'
import { findEncoderWeights } from '@cflow/encoders/node'
import type { Laboratory } from '../laboratory.js'
import type { Case, Selection } from '../selection.js'
import type { TrialData } from '../trial.js'
import { paperInputSize } from './protocols.js'

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

/** What differs from the paper's figure, as a sentence; absent where nothing does. */
export function differsText(cases: readonly Case[], selection: Selection): string | undefined {
  const remarks: string[] = []
  if (!selection.encoders && cases.some((c) => c.encoder !== paperEncoder))
    remarks.push(`the weights of ${paperEncoder} are not on this machine (cflow encoders pull ${paperEncoder}): drawn with ${embedded}`) // prettier-ignore
  const drawn = cases.filter((c) => c.data.set === 'synthetic').map((c) => c.data.category)
  if (drawn.length > 0)
    remarks.push(`${drawn.join(', ')}: built-in images, not MVTec AD’s (--mvtec DIR)`)
  return remarks.length > 0 ? `Other than in the paper: ${remarks.join('; ')}.` : undefined
}
