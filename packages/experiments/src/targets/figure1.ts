import { software } from '@cflow/trainer'
import { pngOf } from '../figures/draw.js'
import { drawFigure1, figure1Schema } from '../figures/figure1-drawing.js'
import { toyDetector } from '../figures/toy.js'
import { machine } from '../laboratory.js'
import { numberText, paragraphs } from '../markdown.js'
import { remembered } from '../store.js'
import type { Trial } from '../trial.js'
import { figureData } from './figure-cases.js'
import type { Target } from './target.js'

/** Built-in cables are drawn as many as a class of MVTec AD has. */
const images = { train: 150, test: 60 }
const settings = { passes: 8, falsePositiveRate: 0.01 }
const title = 'Figure 1: a toy detector of out-of-distribution patches'

/** Figure 1: the toy detector of out-of-distribution patches, trained on sliced images of cables. */
export const figure1: Target = (selection, laboratory) => ({
  async document() {
    const { store, resources, runtime, watch } = laboratory
    const { categories: [category] = ['cable'], passes = settings.passes } = selection
    const found = await figureData(category as string, selection, laboratory)
    const data = found.set === 'synthetic' && category === 'cable' ? { ...found, ...images } : found
    const [encoder = 'efficientnet-lite0'] = selection.encoders ?? []
    const [inputSize = 256] = selection.inputSizes ?? []
    const seed = 0
    const toy: Trial = { method: 'uflow', encoder, inputSize, poolLayers: 1, recipe: 'whitened', passes, data, seed } // prettier-ignore
    const identity = await resources.identify(toy)
    if ('missing' in identity)
      return { title, body: `Not run: ${identity.missing}`, data: null, filled: false }
    const key = {
      name: `figure1-${encoder}-${data.category}`,
      identity: { toy, settings, identity, software },
    }
    const figure = await remembered(store, key, figure1Schema, async () =>
      toyDetector({
        dataset: await resources.dataset(toy),
        weights: await resources.weights(encoder),
        ...{ encoder, inputSize, passes, seed, runtime, watch },
        falsePositiveRate: settings.falsePositiveRate,
      }),
    )
    const source = data.set === 'mvtec' ? 'MVTec AD' : 'the built-in set'
    const svg = drawFigure1(figure, `${data.category} of ${source}`)
    const { beyond, patches, threshold, depth, patch, norms } = figure
    return {
      title,
      body: paragraphs(
        '![Patches, their density before and after the flow, and the threshold](figure1.png)',
        `Images of ${data.category} (${source}) are cut into patches of ${patch}×${patch} pixels, each described by ${depth} features of ${encoder} (its coarsest tap, so that a patch’s surroundings count too). One unconditional flow takes their density p_X to a Gaussian p_Z (both drawn in the plane of the anomaly-free patches’ two leading principal components). τ = ${numberText(threshold)} is the distance from the mean that ${numberText(100 * settings.falsePositiveRate)} % of ${patches.normal} anomaly-free patches exceed that were not trained on. Of ${patches.anomalous} patches of which a defect covers a quarter or more, ${numberText(100 * beyond.anomalous)} % lie beyond τ.`,
        data.set === 'synthetic' && 'Other than in the paper: built-in images, not MVTec AD’s cable (--mvtec DIR).', // prettier-ignore
        `Machine: ${machine()}; ${passes} passes, recipe \`whitened\`; weights of ${encoder}: SHA-256 ${identity.found.weights.slice(0, 16)}….`,
      ),
      data: { encoder, inputSize, data, passes, depth, patch, threshold, patches, beyond, norms },
      pictures: { '.svg': svg, '.png': await pngOf(svg) },
      filled: true,
    }
  },
})
