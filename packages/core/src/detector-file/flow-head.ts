import { reduceMax, reduceMean, reshape, topK, type Value } from '@cflow/graph'
import type { ScaleFlow } from '../flow/flow.js'
import { foldedLogLikelihood, perDimension } from '../flow/likelihood.js'
import { anomalyMapValue, statisticsOf, type Aggregation } from '../score/aggregation.js'
import { detectorNames, rowsOfMap, type Head } from './detector.js'

/** Likelihood per dimension of every position of a map, [N, h, w]. */
export function likelihoodMap(map: Value, flow: ScaleFlow, name: string): Value {
  const [, depth, height, width] = map.shape as [unknown, number, number, number]
  const logp = foldedLogLikelihood(rowsOfMap(map), flow, { height, width }, name)
  return reshape(perDimension(logp, depth), [-1, height, width])
}

/**
 * The score of a map [N, S, S]: [N].
 * @param share of the map's pixels, the highest, whose mean it is; their maximum (section 4.2) for 0
 */
export function mapScore(map: Value, share: number): Value {
  const size = map.shape[1] as number
  const pixels = Math.round(share * size ** 2)
  if (pixels <= 1) return reduceMax(map, [1, 2])
  const [highest] = topK(reshape(map, [-1, size ** 2]), pixels, 1)
  return reduceMean(highest, [1])
}

/**
 * CFLOW-AD: a flow on every tap, their likelihoods aggregated into one map (section 4.2), and the map into the score.
 * @param scoreShare see `mapScore`
 */
export function flowHead(
  flows: readonly ScaleFlow[],
  aggregation: Aggregation,
  scoreShare = 0,
): Head {
  const names = flows.map((_, k) => detectorNames.logLikelihood(k))
  return {
    flows,
    stage: 'flows',
    shown: names,
    evidence: (taps) =>
      Object.fromEntries(
        flows.map((flow, k) => [names[k], likelihoodMap(taps[k] as Value, flow, `flow${k}`)]),
      ),
    statistics: (evidence) =>
      flows.map(({ config }, k) => statisticsOf(config.depth, evidence[names[k] as string] ?? [])),
    verdict(evidence, size, statistics) {
      const likelihoods = names.map((name) => evidence[name] as Value)
      const map = anomalyMapValue(aggregation, statistics, likelihoods, size)
      return { map, score: mapScore(map, scoreShare) }
    },
  }
}
