import { reduceMax, reshape, type Value } from '@cflow/graph'
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

/** CFLOW-AD: a flow on every tap, their likelihoods aggregated into one map (section 4.2); the score is its maximum. */
export function flowHead(flows: readonly ScaleFlow[], aggregation: Aggregation): Head {
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
      return { map, score: reduceMax(map, [1, 2]) }
    },
  }
}
