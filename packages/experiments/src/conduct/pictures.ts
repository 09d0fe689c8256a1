import type { Sample } from '@cflow/datasets'
import { heatRange } from '@cflow/report'
import { renderPanels } from '@cflow/report/node'
import { loadExamples, type EvaluateOptions, type EvaluationResult } from '@cflow/trainer'
import * as z from 'zod'

/** What Figures 3 and 4 show of one trained detector. */
export const picturesSchema = z.object({
  /** Score at which the F1 of pixels is largest. */
  threshold: z.number(),
  /** Densities of the scores of normal and anomalous pixels. */
  histogram: z.object({
    edges: z.array(z.number()),
    normal: z.array(z.number()),
    anomalous: z.array(z.number()),
  }),
  /** Pictures as data URIs. */
  examples: z.array(
    z.object({
      id: z.string(),
      defect: z.string(),
      input: z.string(),
      heat: z.string(),
      mask: z.string(),
    }),
  ),
})
export type Pictures = z.infer<typeof picturesSchema>

const maxExamples = 6

/** The first image of every type of defect, and the first good one: chosen before any score is known. */
function chosen(samples: readonly Sample[]): readonly number[] {
  const types = [...new Set(samples.map((s) => s.defect))]
  const firsts = types.map((type) => samples.findIndex((s) => s.defect === type))
  const good = firsts.filter((i) => samples[i]?.label === 'good')
  const bad = firsts.filter((i) => samples[i]?.label === 'anomalous')
  return [...bad.slice(0, maxExamples - good.length), ...good]
}

/** Undefined where nothing is to be seen: no ground-truth masks. */
export async function picturesOf(
  tested: EvaluateOptions,
  { evaluation, pixels }: EvaluationResult,
): Promise<Pictures | undefined> {
  const threshold = evaluation.pixel?.threshold ?? NaN
  if (!pixels || !Number.isFinite(threshold)) return undefined
  const choices = chosen(tested.samples).map((index) => ({ index, group: 'best' as const }))
  const loaded = await loadExamples({ ...tested, choices })
  const maps = loaded.map((e) => e.anomalyMap)
  const range = heatRange(maps, threshold)
  const examples: Pictures['examples'] = []
  for (const example of loaded) {
    const { input, heat, mask } = await renderPanels(example, threshold, range)
    examples.push({ id: example.id, defect: example.defect, input, heat, mask })
  }
  const { edges, normal, anomalous } = pixels.scoreHistogram({ bins: 4000 })
  const short = (values: ArrayLike<number>) => Array.from(values, (v) => Number(v.toPrecision(7)))
  return {
    threshold,
    histogram: { edges: short(edges), normal: short(normal), anomalous: short(anomalous) },
    examples,
  }
}
