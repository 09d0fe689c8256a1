import { software } from '@cflow/trainer'
import type { Complexity } from '../complexity/complexity.js'
import { complexityOf, complexitySchema } from '../complexity/complexity.js'
import { numberText, paragraphs, table } from '../markdown.js'
import { meanTrainingImages, table1 as symbolic } from '../paper/tables.js'
import type { Selection } from '../selection.js'
import { remembered } from '../store.js'
import type { Target } from './target.js'

const paperEncoders = ['wide-resnet50-2', 'resnet18', 'mobilenet-v3-large'] as const

const combinations = ({ encoders, inputSizes }: Selection) =>
  (encoders ?? paperEncoders).flatMap((e) => (inputSizes ?? [256]).map((size) => [e, size] as const)) // prettier-ignore

/** Table 1: complexity of SPADE, PaDiM and CFLOW-AD, symbolic in the paper, counted on the models here. */
export const table1: Target = {
  name: 'table1',
  cases: () => Promise.resolve([]),
  async document({ selection, laboratory }) {
    const { recipe } = selection
    const counted: Complexity[] = []
    for (const [encoder, inputSize] of combinations(selection)) {
      laboratory.signal?.throwIfAborted()
      const identity = { encoder, inputSize, recipe, images: meanTrainingImages, software }
      const key = { name: `complexity-${encoder}-${inputSize}px`, identity }
      counted.push(
        await remembered(laboratory.store, key, complexitySchema, () =>
          Promise.resolve(complexityOf(encoder, inputSize, recipe, meanTrainingImages)),
        ),
      )
    }
    const head = ['model', 'train', 'test', 'memory', 'post-processing: numbers', 'MB', 'operations (MAC) per image'] // prettier-ignore
    const sections = counted.map((c) => {
      const row = (name: string, paper: (typeof symbolic)['spade' | 'padim' | 'cflow'], part: Complexity['cflow']) => // prettier-ignore
        [name, paper.train, paper.test, paper.memory, millions(part.numbers), numberText(part.bytes / 1e6), millions(part.operations)] // prettier-ignore
      const rows = [
        row('SPADE', symbolic.spade, c.spade),
        row('PaDiM', symbolic.padim, c.padim),
        row('CFLOW-AD', symbolic.cflow, c.cflow),
      ]
      return paragraphs(
        `## ${c.encoder}, ${c.inputSize} px`,
        `Encoder: λ = ${millions(c.parameters)} parameters (${numberText((4 * c.parameters) / 1e6)} MB) up to the last tap, ${millions(c.operations)} MAC per image. SPADE: |G| over ${c.spade.images} training images, compared with its 50 nearest; PaDiM: ${c.padim.channels} channels at every position.`,
        table(head, rows, 4),
      )
    })
    return {
      title: 'Table 1: complexity of SPADE, PaDiM and CFLOW-AD',
      body: paragraphs(
        `The paper’s table is symbolic (λ: the encoder’s parameters, G: gallery, Σᵢ⁻¹: a covariance at every position, θ: the flows’ parameters). The numbers are counted on the graphs of the models themselves: convolutions and matrix products of one image, trainable numbers, and what is kept in memory as float32. CFLOW-AD is that of recipe \`${recipe}\`; its MB include the fixed rotations and their inverses, as the authors store them. ${meanTrainingImages} training images are the mean of MVTec AD’s classes.`,
        ...sections,
      ),
      data: counted,
      filled: counted.length > 0,
    }
  },
}

/** In millions, or thousands of millions. */
function millions(value: number): string {
  if (value >= 1e9) return `${numberText(value / 1e9)} G`
  return `${numberText(value / 1e6)} M`
}
