import { cflow } from '@cflow/methods'
import * as z from 'zod'

/** A recipe of CFLOW-AD. */
export const recipeSchema = z.enum(Object.keys(cflow.recipes) as (keyof typeof cflow.recipes)[])
export type Recipe = z.infer<typeof recipeSchema>

/** CFLOW-AD, its unconditional form, and the systems it is compared with. */
export const methodSchema = z.enum([
  'cflow',
  'uflow',
  'padim',
  'spade',
  'patchcore',
  'dfr',
  'differnet',
])
export type Method = z.infer<typeof methodSchema>
export const methods = methodSchema.options

/** Names as the literature writes them. */
export const methodNames: Readonly<Record<Method, string>> = {
  cflow: 'CFLOW',
  uflow: 'UFLOW',
  padim: 'PaDiM',
  spade: 'SPADE',
  patchcore: 'PatchCore',
  dfr: 'DFR',
  differnet: 'DifferNet',
}

export const isFlow = (method: Method): method is 'cflow' | 'uflow' =>
  method === 'cflow' || method === 'uflow'

/** Which images: a class of MVTec AD, a scene of ShanghaiTech Campus, or a kind of the built-in set. */
export const trialDataSchema = z.discriminatedUnion('set', [
  z.strictObject({ set: z.literal('mvtec'), category: z.string() }),
  z.strictObject({ set: z.literal('stc'), category: z.string(), frameStep: z.int().min(1) }),
  z.strictObject({
    set: z.literal('synthetic'),
    category: z.string(),
    train: z.int().min(1),
    test: z.int().min(1),
  }),
])
export type TrialData = z.infer<typeof trialDataSchema>

/** One training and its evaluation: plain data that decides all of it, given the images and the weights. */
export const trialSchema = z.strictObject({
  method: methodSchema,
  encoder: z.string(),
  inputSize: z.int(),
  poolLayers: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  /** Of a flow, its recipe; of the other methods it decides only how many good images are held out. */
  recipe: recipeSchema,
  /** Of flows only. */
  couplingLayers: z.int().optional(),
  /** Of flows only. */
  passes: z.int().optional(),
  data: trialDataSchema,
  seed: z.int(),
})
export type Trial = z.infer<typeof trialSchema>

/** Such as `cflow-resnet18-256px-8cl-3pl-paper-transistor-seed0`: unique but for passes and sizes of the set. */
export function trialName(trial: Trial): string {
  const { method, encoder, inputSize, couplingLayers, poolLayers, recipe, data, seed } = trial
  const layers = couplingLayers === undefined ? [] : [`${couplingLayers}cl`]
  return [
    ...[method, encoder, `${inputSize}px`, ...layers, `${poolLayers}pl`, recipe],
    ...[data.set === 'stc' ? `stc${data.category}` : data.category, `seed${seed}`],
  ]
    .join('-')
    .replaceAll(/[^\w.-]/g, '_')
}
