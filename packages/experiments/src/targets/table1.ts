import { software } from '@cflow/trainer'
import { complexityOf, complexitySchema, type Complexity } from '../complexity/complexity.js'
import { numberText, paragraphs, table } from '../markdown.js'
import { meanTrainingImages as images, table1 as symbolic } from '../paper/tables.js'
import { remembered } from '../store.js'
import type { Target } from './target.js'

const names = { spade: 'SPADE', padim: 'PaDiM', cflow: 'CFLOW-AD' } as const

/** Table 1: complexity of SPADE, PaDiM and CFLOW-AD, symbolic in the paper, counted on the models here. */
export const table1: Target = (selection, { store, watch }) => ({
  async document() {
    const { recipe, inputSizes = [256] } = selection
    const { encoders = ['wide-resnet50-2', 'resnet18', 'mobilenet-v3-large'] } = selection
    const counted: Complexity[] = []
    for (const encoder of encoders)
      for (const inputSize of inputSizes) {
        watch.signal?.throwIfAborted()
        const identity = { encoder, inputSize, recipe, images, software }
        const key = { name: `complexity-${encoder}-${inputSize}px`, identity }
        const count = () => Promise.resolve(complexityOf(encoder, inputSize, recipe, images))
        counted.push(await remembered(store, key, complexitySchema, count))
      }
    const head = ['model', 'train', 'test', 'memory', 'post-processing: numbers', 'MB', 'operations (MAC) per image'] // prettier-ignore
    const sections = counted.map((c) => {
      const rows = (['spade', 'padim', 'cflow'] as const).map((model) => {
        const { train, test, memory } = symbolic[model]
        const { numbers, bytes, operations } = c[model]
        return [names[model], train, test, memory, millions(numbers), numberText(bytes / 1e6), millions(operations)] // prettier-ignore
      })
      return paragraphs(
        `## ${c.encoder}, ${c.inputSize} px`,
        `Encoder: λ = ${millions(c.parameters)} parameters (${numberText((4 * c.parameters) / 1e6)} MB) up to the last tap, ${millions(c.operations)} MAC per image. SPADE: |G| over ${c.spade.images} training images, compared with its 50 nearest; PaDiM: ${c.padim.channels} channels at every position.`,
        table(head, rows, 4),
      )
    })
    return {
      title: 'Table 1: complexity of SPADE, PaDiM and CFLOW-AD',
      body: paragraphs(
        `The paper’s table is symbolic (λ: the encoder’s parameters, G: gallery, Σᵢ⁻¹: a covariance at every position, θ: the flows’ parameters). The numbers are counted on the graphs of the models themselves: convolutions and matrix products of one image, trainable numbers, and what is kept in memory as float32. CFLOW-AD is that of recipe \`${recipe}\`; its MB include the fixed rotations and their inverses, as the authors store them. ${images} training images are the mean of MVTec AD’s classes.`,
        ...sections,
      ),
      data: counted,
      filled: true,
    }
  },
})

/** In millions, or thousands of millions. */
function millions(value: number): string {
  if (value >= 1e9) return `${numberText(value / 1e9)} G`
  return `${numberText(value / 1e6)} M`
}
