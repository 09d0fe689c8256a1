import { expectReadmeExample } from '@cflow/base/testing'
import { afterAll, expect, it } from 'vitest'
import { laboratory, reproduce, runTrial, selectionSchema } from '@cflow/experiments'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const out = await mkdtemp(join(tmpdir(), 'reproduce-'))
const lab = await laboratory({ out }) // and mvtec, stc: their folders
const selection = selectionSchema.parse({ recipe: 'whitened', encoders: ['efficientnet-lite0'] })
const { documents, missing, failed } = await reproduce(['table1'], selection, lab)

const outcome = await runTrial(
  {
    method: 'cflow',
    encoder: 'efficientnet-lite0',
    inputSize: 64,
    poolLayers: 3,
    couplingLayers: 4,
    recipe: 'whitened',
    passes: 1,
    data: { set: 'synthetic', category: 'cable', train: 12, test: 9 },
    seed: 0,
  },
  lab,
) // { kind: 'done', result } | { kind: 'missing' | 'failed', reason }

afterAll(() => rm(out, { recursive: true }))

it('runs the example of the README', { timeout: 60_000 }, () => {
  expect(documents[0]?.markdown).toContain('CFLOW')
  expect([...failed, ...missing]).toEqual([])
  expect(outcome.kind).toBe('done')
  expectReadmeExample(import.meta.url)
})
