import { cflow } from '@cflow/methods'
import * as z from 'zod'
import { bestInputSize, categories, isCategory } from './paper/classes.js'
import {
  isFlow,
  methodSchema,
  recipeSchema,
  type Method,
  type Trial,
  type TrialData,
} from './trial.js'

/** What of the paper is computed again, and how. What is absent is as in the paper. */
export const selectionSchema = z.strictObject({
  recipe: recipeSchema.default('paper'),
  /** Of flows; the recipe's when absent. */
  passes: z.int().min(0).max(100_000).optional(),
  /** Number of trainings of each kind, with seeds 0, 1, 2 …; the paper has four. */
  seeds: z.int().min(1).max(100).default(1),
  /** Classes of MVTec AD, or kinds of the built-in images. */
  categories: z.array(z.string().min(1)).min(1).optional(),
  /** Scenes of ShanghaiTech Campus. */
  scenes: z
    .array(z.string().regex(/^\d{2}$/, 'a scene has two digits, such as 01'))
    .min(1)
    .optional(),
  encoders: z.array(z.string().min(1)).min(1).optional(),
  inputSizes: z.array(z.int().min(32).max(4096)).min(1).optional(),
  methods: z.array(methodSchema).min(1).optional(),
  /** Training frames of ShanghaiTech Campus: every n-th. */
  frameStep: z.int().min(1).max(100_000).default(5),
  /** Sizes of the built-in sets. */
  trainImages: z.int().min(5).max(100_000).default(40),
  testImages: z.int().min(3).max(100_000).default(36),
})
export type Selection = z.infer<typeof selectionSchema>

/** What one trial is, but for its seed. */
export interface Case {
  readonly method: Method
  readonly encoder: string
  readonly inputSize: number
  readonly data: TrialData
  /** 3 when absent. */
  readonly poolLayers?: 1 | 2 | 3
  /** The recipe's when absent. */
  readonly couplingLayers?: number
}

/** The trials of a case: one for each seed, or one where the seed changes nothing. */
export function trialsOf(selection: Selection, one: Case): readonly Trial[] {
  const { recipe, seeds } = selection
  const { method, encoder, inputSize, data, poolLayers = 3 } = one
  const { couplingLayers, passes, heldOut } = cflow.recipes[recipe]
  const flow = isFlow(method) && {
    couplingLayers: one.couplingLayers ?? couplingLayers,
    passes: selection.passes ?? passes,
  }
  // SPADE draws nothing at random but which images are held out
  const count = method === 'spade' && heldOut === 0 ? 1 : seeds
  return Array.from({ length: count }, (_, seed) => ({
    ...{ method, encoder, inputSize, poolLayers, recipe, ...flow, data, seed },
  }))
}

export const mvtec = (category: string): TrialData => ({ set: 'mvtec', category })

/** Classes of MVTec AD that are asked for. */
export const classesOf = (selection: Selection): readonly string[] =>
  selection.categories ?? categories

/** The paper's input size of a class (section 5.3); 256 for other things. */
export const paperInputSize = (category: string): number =>
  isCategory(category) ? bestInputSize[category] : 256
