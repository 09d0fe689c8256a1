import {
  flatten,
  positionalEncoding,
  stepNames,
  stepState,
  trainingStep,
  trainingSteps,
  type Loss,
  type ScaleFlow,
  type Tap,
} from '@cflow/core'
import type { Runtime } from '@cflow/runtimes'
import type { BatchShape, Sampling } from '../training/sampling.js'
import { trainer, type RowFeed, type Trainer } from '../training/trainer.js'

/** The flow of one scale in training, on features that are whitened already. */
export function flowTrainer(
  runtime: Runtime,
  tap: Tap,
  { config, parameters }: Pick<ScaleFlow, 'config' | 'parameters'>,
  shape: BatchShape,
  sampling: Sampling,
  loss: Loss,
): Promise<Trainer> {
  const { height, width } = tap
  const { depth, condition: size } = config
  const { rows, positions } = shape
  // axes are cheaper than conditions while they have fewer columns
  const byAxes = width + height < size
  const step = runtime.scans ? trainingSteps : trainingStep
  const conditionOf = byAxes ? axes : conditions
  return trainer(runtime, {
    step: step(config, parameters, {
      rows,
      positions: byAxes ? { positions, width, height } : positions,
      loss,
    }),
    groups: stepState(config),
    start: flatten(config, parameters).data as Float32Array,
    depth,
    area: height * width,
    shape,
    sampling,
    ...(size > 0 && { condition: conditionOf(tap, positions, size) }),
  })
}

/** Positions by the axes of the map: a 1 in the position's column and one in its row. */
function axes({ width, height }: Tap, positions: number): RowFeed {
  const columns = width + height
  return {
    name: stepNames.axes,
    shape: [positions, columns],
    fill(data, { position }) {
      data.fill(0)
      for (let i = 0; i < positions; i++) {
        const p = position[i] as number
        data[i * columns + (p % width)] = 1
        data[i * columns + width + Math.floor(p / width)] = 1
      }
    },
  }
}

/** Positions as their encodings. */
function conditions({ width, height }: Tap, positions: number, size: number): RowFeed {
  const encoding = Float32Array.from(positionalEncoding(height, width, size))
  return {
    name: stepNames.condition,
    shape: [positions, size],
    fill(data, { position }) {
      for (let i = 0; i < positions; i++) {
        const from = (position[i] as number) * size
        data.set(encoding.subarray(from, from + size), i * size)
      }
    },
  }
}
