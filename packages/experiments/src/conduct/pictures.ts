import type { Sample } from '@cflow/datasets'
import { heatRange } from '@cflow/report'
import { renderPanels } from '@cflow/report/node'
import type { Runtime } from '@cflow/runtimes'
import { loadExamples, type EvaluationResult } from '@cflow/trainer'
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

const most = 6

/** The first image of every type of defect, and the first good one: chosen before any score is known. */
function chosen(samples: readonly Sample[]): readonly number[] {
  const types = [...new Set(samples.map((s) => s.defect))]
  const firsts = types.map((type) => samples.findIndex((s) => s.defect === type))
  const good = firsts.filter((i) => samples[i]?.label === 'good')
  const bad = firsts.filter((i) => samples[i]?.label === 'anomalous')
  return [...bad.slice(0, most - good.length), ...good]
}

/** Undefined where nothing is to be seen: no ground-truth masks. */
export async function picturesOf(options: {
  readonly model: Uint8Array
  readonly samples: readonly Sample[]
  readonly result: EvaluationResult
  readonly runtime: Runtime
}): Promise<Pictures | undefined> {
  const { samples, result } = options
  const threshold = result.evaluation.pixel?.threshold
  if (!result.pixels || threshold === undefined || !Number.isFinite(threshold)) return undefined
  const choices = chosen(samples).map((index) => ({ index, group: 'best' as const }))
  const loaded = await loadExamples({ ...options, choices })
  const range = heatRange(
    loaded.map((e) => e.anomalyMap),
    threshold,
  )
  const examples: Pictures['examples'] = []
  for (const example of loaded) {
    const { input, heat, mask } = await renderPanels(example, threshold, range)
    examples.push({ id: example.id, defect: example.defect, input, heat, mask })
  }
  const { edges, normal, anomalous } = result.pixels.scoreHistogram({ bins: 4000 })
  const short = (values: ArrayLike<number>) => Array.from(values, (v) => Number(v.toPrecision(7)))
  return {
    threshold,
    histogram: { edges: short(edges), normal: short(normal), anomalous: short(anomalous) },
    examples,
  }
}
