import { software } from '@cflow/trainer'
import type { Laboratory } from '../laboratory.js'
import { machine } from '../machine.js'
import { dash, numberText, paragraphs, table } from '../markdown.js'
import { meanTrainingImages, table6 as published } from '../paper/tables.js'
import type { SpeedRow } from '../paper/tables.js'
import type { Selection } from '../selection.js'
import { measureSpeed, speedSchema } from '../speed/speed.js'
import type { Speed } from '../speed/speed.js'
import { remembered } from '../store.js'
import type { Target } from './target.js'

const kinds = ['encoder', 'padim', 'spade', 'cflow'] as const
type Kind = (typeof kinds)[number]
const names: Readonly<Record<Kind, string>> = {
  encoder: 'encoder only',
  padim: 'PaDiM',
  spade: 'SPADE',
  cflow: 'CFLOW-AD',
}

/** Seconds of one measurement. */
const seconds = 3

/** Encoders and input sizes: at the first size all models, at the others only what the paper has at 512 pixels. */
function plan({ encoders, inputSizes = [256, 512] }: Selection) {
  const own = [...new Set(published.map((row) => row.encoder))]
  return (encoders ?? own).flatMap((encoder) =>
    inputSizes.map((inputSize, i) => ({ encoder, inputSize, others: i === 0 })),
  )
}

async function measured(
  { encoder, inputSize, others }: ReturnType<typeof plan>[number],
  selection: Selection,
  { store, runtime, conditions: how, signal, note }: Laboratory,
): Promise<Speed> {
  const { recipe } = selection
  const conditions = { encoder, inputSize, others, recipe, images: meanTrainingImages }
  const identity = { ...conditions, machine: machine(), how, software }
  const key = { name: `speed-${encoder}-${inputSize}px`, identity }
  return remembered(store, key, speedSchema, () => {
    note(`measuring ${encoder} at ${inputSize} pixels`)
    return measureSpeed({ ...conditions, seconds, runtime, signal })
  })
}

/** Table 6: images a second and megabytes, measured on this machine with random weights. */
export const table6: Target = {
  name: 'table6',
  cases: () => Promise.resolve([]),
  async document({ selection, laboratory }) {
    const speeds: Speed[] = []
    for (const one of plan(selection)) speeds.push(await measured(one, selection, laboratory))
    const rows = speeds.flatMap((speed) =>
      kinds.flatMap((kind) => {
        const milliseconds = speed.milliseconds[kind]
        return milliseconds === undefined ? [] : [{ kind, speed, milliseconds }]
      }),
    )
    const lines = rows.map(({ kind, speed, milliseconds }) => {
      const paper = published.find((r) => r.method === kind && r.encoder === speed.encoder)
      const fps = paper && { 256: paper.fps[0], 512: paper.fps[1] }[speed.inputSize]
      const bytes = speed.bytes.encoder + (kind === 'encoder' ? 0 : speed.bytes[kind])
      return [
        names[kind],
        speed.encoder,
        String(speed.inputSize),
        fps === undefined ? dash : String(fps),
        numberText(1000 / milliseconds),
        numberText(speed.milliseconds.encoder / milliseconds),
        megabytesOf(paper),
        numberText(bytes / 1e6),
        kind === 'cflow' ? numberText(speed.bytes.cflowFile / 1e6) : dash,
      ]
    })
    const head = ['model', 'encoder', 'px', 'images/s, paper', 'images/s, here', 'share of the encoder’s speed', 'MB, paper (MVTec / STC)', 'MB, here', 'MB, detector file'] // prettier-ignore
    const partial = speeds.filter((s) => (s.padimShare ?? 1) < 1)
    return {
      title: 'Table 6: speed and size',
      body: paragraphs(
        `Measured here on: ${machine()}, ${laboratory.conditions}, one image at a time, decoding not included, median over ${seconds} s. The paper’s speeds are those of a GTX 1080 for encoders and CFLOW-AD, and of an Intel i7 for SPADE and PaDiM: compare the columns within one source, such as by the share of the encoder’s own speed that is left.`,
        table(head, lines, 2),
        `Weights are random, which changes neither speed nor size. SPADE: ${meanTrainingImages} training images (the mean of MVTec AD’s classes), 50 neighbours; its gallery’s size is computed, its time that of one neighbour 50 times. PaDiM: 100 channels, of the wide encoders 550. MB are float32 numbers of encoder and model; of CFLOW-AD (recipe \`${selection.recipe}\`) with the rotations and their inverses, as the authors store them, and as the one file that this project writes.`,
        partial.length > 0 &&
          `PaDiM’s matrices were measured in part (${partial.map((s) => `${s.encoder} at ${s.inputSize} px: ${numberText(100 * (s.padimShare ?? 1))} %`).join(', ')}) and the rest added in proportion, so that they fit in memory.`,
      ),
      data: speeds,
      filled: speeds.length > 0,
    }
  },
}

function megabytesOf(row: SpeedRow | undefined): string {
  if (!row) return dash
  const { mvtec, stc } = row.megabytes
  return stc === undefined ? numberText(mvtec) : `${numberText(mvtec)} / ${numberText(stc)}`
}
