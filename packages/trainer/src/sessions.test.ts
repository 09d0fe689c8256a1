import { syntheticDataset } from '@cflow/datasets'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { resolveConfig, type MethodName, type TrainOptions } from '@cflow/methods'
import { openRuntime, type Runtime } from '@cflow/runtimes'
import { describe, expect, it } from 'vitest'
import { countedRuntime } from '../test/counted-runtime.js'
import { assembleDetector, fit, type OnProgress, type Stage } from './index.node.js'

const driver = await openRuntime({ threads: 1 })
const weights = await loadEncoderWeights('efficientnet-lite0')
const { train: samples } = syntheticDataset({ kind: 'part', size: 64, train: 7, test: 0 })
const encoder = encoderModel(encoderSpec('efficientnet-lite0'), weights, 1, 64)
const common = { samples, category: 'part', encoder }

/** A whole job, such that its sessions must be released when it is over. */
type Work = (runtime: Runtime, onProgress?: OnProgress, signal?: AbortSignal) => Promise<unknown>

const fitted =
  (method: MethodName, settings: TrainOptions = {}) =>
  (runtime: Runtime, onProgress?: OnProgress, signal?: AbortSignal) =>
    fit({
      ...common,
      config: resolveConfig({ method, inputSize: 64, poolLayers: 1, folds: 0, ...settings }),
      runtime,
      ...(onProgress && { onProgress }),
      ...(signal && { signal }),
    })

const flow = fitted('cflow', { couplingLayers: 1, passes: 2 })
const { head } = await flow(driver)
const assembled: Work = (runtime, onProgress) =>
  assembleDetector({
    ...common,
    flows: head.flows!,
    unseen: false,
    aggregation: 'joint',
    falsePositiveRate: 0.1,
    digest: '0'.repeat(64),
    runtime,
    ...(onProgress && { onProgress }),
  })

describe.each<[string, Work, Stage[]?]>([
  ['CFLOW-AD', flow, ['read', 'encode', 'train', 'calibrate']],
  [
    'CFLOW-AD in folds',
    fitted('cflow', { couplingLayers: 1, passes: 1, folds: 2 }),
    ['read', 'folds', 'encode'],
  ],
  ['PaDiM', fitted('padim'), ['read', 'encode', 'whiten', 'calibrate']],
  ['SPADE', fitted('spade', { neighbours: 2 }), ['read', 'encode', 'calibrate']],
  ['PatchCore', fitted('patchcore'), ['read', 'encode', 'select', 'calibrate']],
  ['DFR', fitted('dfr', { passes: 2 }), ['read', 'encode', 'train', 'calibrate']],
  [
    'DifferNet',
    fitted('differnet', { passes: 2, couplingLayers: 1 }),
    ['read', 'encode', 'train', 'calibrate'],
  ],
  ['assembleDetector', assembled],
])('%s releases every session once', (_, work, stages) => {
  it('when it succeeds, and wherever it fails', async () => {
    const { counted, events: whole } = countedRuntime(driver)
    await work(counted)
    expect(whole.sessions).toBeGreaterThan(1)
    expect(whole.released).toBe(whole.sessions)

    const runs = [0, 0.25, 0.5, 0.75, 1].map((share) => 1 + Math.floor(share * (whole.runs - 1)))
    const sessions = Array.from({ length: whole.sessions }, (_, i) => i + 1)
    const failures = [...runs.map((run) => ({ run })), ...sessions.map((session) => ({ session }))]
    for (const broken of failures) {
      const { counted, events } = countedRuntime(driver, broken)
      const code = 'run' in broken ? 'SHAPE' : 'MODEL'
      await expect(work(counted), JSON.stringify(broken)).rejects.toMatchObject({ code })
      expect(events.released, JSON.stringify(broken)).toBe(events.sessions)
    }
  })

  if (stages)
    it.each(stages)('when it is stopped in the middle of stage %s', async (middle) => {
      const { counted, events } = countedRuntime(driver)
      const controller = new AbortController()
      const onProgress: OnProgress = ({ stage, done }) => {
        if (stage === middle && done > 0) controller.abort(new Error('enough'))
      }
      await expect(work(counted, onProgress, controller.signal)).rejects.toThrow('enough')
      expect(events.sessions).toBeGreaterThan(0)
      expect(events.released).toBe(events.sessions)
    })
})
