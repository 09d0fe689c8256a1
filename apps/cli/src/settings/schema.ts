import { datasetSettings } from '@cflow/datasets/node'
import * as z from 'zod'
import { usage } from './parse.js'
import { grouped, type SettingMeta } from './settings.js'

/** Settings of the usual kinds, which may be left out. */
export const text = (help: string, meta: SettingMeta = {}) =>
  z
    .string()
    .min(1)
    .optional()
    .meta({ help, ...meta })
const whole = (min: number, max: number, help: string, meta: SettingMeta = {}) =>
  z
    .int()
    .min(min)
    .max(max)
    .optional()
    .meta({ help, ...meta })
export const toggle = (help: string, meta: SettingMeta = {}) =>
  z
    .boolean()
    .optional()
    .meta({ help, ...meta })
export const dir = { placeholder: 'DIR' }
const file = { placeholder: 'FILE' }

/** The folder that a command writes to. */
export const outFolder = (help: string, otherwise?: string) =>
  text(help, { ...dir, otherwise, group: 'output' })

/** Whether results that are there already may be replaced. */
export const overwrite = toggle('replace results that are there already', { group: 'output' })

/** Settings that decide which images are used. */
export const datasetShape = {
  ...datasetSettings.shape,
  ...grouped('images', {
    scenes: z
      .literal('all', 'only all: one scene is --scene NN')
      .optional()
      .meta({ help: 'every scene of stc in turn, and the mean', placeholder: 'all' }),
  }),
}

/** Settings of every command that runs a model. */
export const machineShape = grouped('machine', {
  device: text(
    'cpu, what this onnxruntime has (cuda, webgpu …), or tfjs:wasm, tfjs:tensorflow …; see cflow doctor',
  ),
  threads: whole(1, 1024, 'threads of one operator', { otherwise: 'physical cores' }),
})
export type MachineSettings = z.infer<z.ZodObject<typeof machineShape>>

/** Settings of every command. */
export const outputShape = grouped('output', {
  config: text('YAML or JSON file with the same keys; flags win', file),
  json: toggle('print one JSON document to standard output'),
  quiet: toggle('no progress'),
})

export const protocol = z.enum(['strict', 'paper']).default('strict').meta({
  help: 'strict (last epoch, scores by image, exact AUPRO) or paper (the authors’ rules)',
  group: 'evaluation',
})

/** At which size pixels are compared: `mask`, or a number of pixels; chosen by itself where it is absent. */
export const evaluateAt = z
  .union([
    z.literal('mask'),
    z.int().min(16).max(16384),
    z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(16).max(16384)),
  ])
  .optional()
  .meta({
    help: 'compare pixels at the size of each mask (mask), or at SIZE×SIZE pixels',
    otherwise: 'the input size; mask where a region of a mask would vanish',
    placeholder: 'SIZE',
    group: 'evaluation',
    error: 'is mask or a number of pixels from 16 to 16384',
  })

/** @throws CflowError USAGE for a size of comparison under the paper's rules, which have one of their own */
export function requireStrict(settings: {
  readonly protocol: 'strict' | 'paper'
  readonly evaluateAt?: unknown
}): void {
  if (settings.protocol === 'strict' || settings.evaluateAt === undefined) return
  const hint = 'By the authors’ rules pixels are compared at the input size.'
  throw usage('--evaluate-at', '--evaluate-at is for --protocol strict', hint)
}

const triple = z.tuple([z.number(), z.number(), z.number()], 'three numbers, such as 0.5,0.5,0.5')
const colours = { otherwise: 'ImageNet’s', placeholder: 'R,G,B' }

/** Settings of an encoder that is read from files: weights, or an ONNX graph. */
export const encoderShape = grouped('encoder', {
  weights: text('weights of the encoder, .pth or .safetensors', file),
  weightsKey: text('which of several sets of weights in the file, such as state_dict_ema', {
    placeholder: 'KEY',
  }),
  taps: z
    .array(z.string().min(1), 'names with commas between them')
    .min(1)
    .optional()
    .meta({ help: 'values of the ONNX file to use as feature maps', placeholder: 'A,B,C' }),
  mean: triple.optional().meta({ help: 'normalisation of the ONNX file’s images', ...colours }),
  std: triple.optional().meta({ help: 'deviation of the same', ...colours }),
  prefixTokens: whole(0, 1000, 'class and register tokens of a transformer', {
    otherwise: '0 or 1, found by itself',
  }),
})
export type EncoderSettings = z.infer<z.ZodObject<typeof encoderShape>>
