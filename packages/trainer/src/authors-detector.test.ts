import { tensor, type Tensor } from '@cflow/base'
import { detectorNames } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import { encoderModel } from '@cflow/encoders'

import { openRuntime } from '@cflow/runtimes'
import { readPth } from '@cflow/weights'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { assembleDetector, authorsCheckpoint } from './index.node.js'

/** Folder that `benchmarks/peers/authors_detector.py` wrote; its checkpoint is too large for the repository. */
const folder = process.env['CFLOW_AUTHORS_DETECTOR'] ?? ''
const present = folder !== '' && existsSync(join(folder, 'expected.pth'))
if (!present)
  console.info(
    'skipped: a whole detector from PyTorch (set CFLOW_AUTHORS_DETECTOR, see benchmarks/peers)',
  )

describe.skipIf(!present)('a detector that PyTorch, torchvision and FrEIA wrote', () => {
  it('gives an image the likelihoods it has there', async () => {
    const { spec, weights, flows } = authorsCheckpoint(
      readPth(readFileSync(join(folder, 'checkpoint.pt'))),
    )
    expect([spec.name, flows.map((f) => f.config.couplingLayers)]).toEqual(['resnet18', [8, 8, 8]])
    const expected = readPth(readFileSync(join(folder, 'expected.pth')))
    const image = expected.get('image') as Tensor<'float32'>
    const size = image.shape[0] as number
    const data = Uint8Array.from(image.data)
    const sample: Sample = {
      id: 'image',
      split: 'test',
      label: 'good',
      defect: 'good',
      load: () => Promise.resolve({ width: size, height: size, data }),
    }
    const runtime = await openRuntime()
    const { model, manifest } = await assembleDetector({
      encoder: encoderModel(spec, weights!, 3, size),
      flows,
      samples: Array.from({ length: 5 }, () => sample),
      unseen: false,
      category: 'random',
      aggregation: 'calibrated',
      falsePositiveRate: 0.05,
      digest: '',
      runtime,
    })
    const session = await runtime.createSession(model)
    const got = await session.run({
      [detectorNames.image]: tensor('uint8', [1, size, size, 3], data),
    })
    await session.release()
    for (const k of manifest.scales.keys()) {
      const wanted = expected.get(`l${k}`) as Tensor<'float32'>
      const found = got[detectorNames.logLikelihood(k)]!.data as Float32Array
      expect(found.length).toBe(wanted.data.length)
      const worst = found.reduce(
        (n, l, i) => Math.max(n, Math.abs(l - wanted.data[i]!) / Math.abs(wanted.data[i]!)),
        0,
      )
      console.info(
        `scale ${k}: ${wanted.data.length} likelihoods, worst relative difference ${worst.toExponential(1)}`,
      )
      expect(worst).toBeLessThan(1e-4)
    }
  })
})
