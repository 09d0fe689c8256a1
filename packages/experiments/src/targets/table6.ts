import { software } from '@cflow/trainer'
import { machine } from '../laboratory.js'
import { dash, numberText, paragraphs, table } from '../markdown.js'
import { meanTrainingImages as images, table6 as published } from '../paper/tables.js'
import { measureSpeed, speedSchema, type Speed } from '../speed/speed.js'
import { remembered } from '../store.js'
import type { Target } from './target.js'

const names = { encoder: 'encoder only', padim: 'PaDiM', spade: 'SPADE', cflow: 'CFLOW-AD' }

/** Seconds of one measurement. */
const seconds = 3

/** Table 6: images a second and megabytes, measured on this machine with random weights. */
export const table6: Target = (selection, { store, runtime, conditions: how, watch, note }) => ({
  async document() {
    const { recipe, inputSizes = [256, 512] } = selection
    const { encoders = [...new Set(published.map((row) => row.encoder))] } = selection
    const speeds: Speed[] = []
    for (const encoder of encoders)
      for (const [i, inputSize] of inputSizes.entries()) {
        // at the first size all models, at the others only what the paper has at 512 pixels
        const conditions = { encoder, inputSize, others: i === 0, recipe, images }
        const identity = { ...conditions, machine: machine(), how, software }
        const key = { name: `speed-${encoder}-${inputSize}px`, identity }
        const measure = () => {
          note(`measuring ${encoder} at ${inputSize} pixels`)
          return measureSpeed({ ...conditions, seconds, runtime, ...watch })
        }
        speeds.push(await remembered(store, key, speedSchema, measure))
      }
    const head = ['model', 'encoder', 'px', 'images/s, paper', 'images/s, here', 'share of the encoder’s speed', 'MB, paper (MVTec / STC)', 'MB, here', 'MB, detector file'] // prettier-ignore
    const partial = speeds.filter((s) => (s.padimShare ?? 1) < 1)
    return {
      title: 'Table 6: speed and size',
      body: paragraphs(
        `Measured here on: ${machine()}, ${how}, one image at a time, decoding not included, median over ${seconds} s. The paper’s speeds are those of a GTX 1080 for encoders and CFLOW-AD, and of an Intel i7 for SPADE and PaDiM: compare the columns within one source, such as by the share of the encoder’s own speed that is left.`,
        table(head, speeds.flatMap(linesOf), 2),
        `Weights are random, which changes neither speed nor size. SPADE: ${images} training images (the mean of MVTec AD’s classes), 50 neighbours; its gallery’s size is computed, its time that of one neighbour 50 times. PaDiM: 100 channels, of the wide encoders 550. MB are float32 numbers of encoder and model; of CFLOW-AD (recipe \`${recipe}\`) with the rotations and their inverses, as the authors store them, and as the one file that this project writes.`,
        partial.length > 0 &&
          `PaDiM’s matrices were measured in part (${partial.map((s) => `${s.encoder} at ${s.inputSize} px: ${numberText(100 * (s.padimShare ?? 1))} %`).join(', ')}) and the rest added in proportion, so that they fit in memory.`,
      ),
      data: speeds,
      filled: true,
    }
  },
})

function linesOf({ encoder, inputSize, milliseconds, bytes }: Speed): string[][] {
  return (['encoder', 'padim', 'spade', 'cflow'] as const).flatMap((kind) => {
    const time = milliseconds[kind]
    if (time === undefined) return []
    const paper = published.find((r) => r.method === kind && r.encoder === encoder)
    const fps = paper && { 256: paper.fps[0], 512: paper.fps[1] }[inputSize]
    const sizes = paper && [paper.megabytes.mvtec, paper.megabytes.stc].filter((n) => n !== undefined) // prettier-ignore
    return [[
      names[kind],
      encoder,
      String(inputSize),
      fps === undefined ? dash : String(fps),
      numberText(1000 / time),
      numberText(milliseconds.encoder / time),
      sizes?.map(numberText).join(' / ') ?? dash,
      numberText((bytes.encoder + (kind === 'encoder' ? 0 : bytes[kind])) / 1e6),
      kind === 'cflow' ? numberText(bytes.cflowFile / 1e6) : dash,
    ]] // prettier-ignore
  })
}
