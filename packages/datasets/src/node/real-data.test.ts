import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openDataset } from './drivers.js'

const shared = fileURLToPath(new URL('../../../../../shared/data/mvtec', import.meta.url))
const root = process.env['CFLOW_MVTEC'] ?? shared
const present = existsSync(join(root, 'transistor'))
if (!present) console.log(`skipped: no MVTec AD transistor in ${root} (set CFLOW_MVTEC)`)

it.skipIf(!present)('reads the real transistor category', async () => {
  const { train, test } = await openDataset({ dataset: 'mvtec', root, category: 'transistor' })
  expect([train.length, test.length]).toEqual([213, 100])
  const counts = new Map<string, number>()
  for (const { defect } of test) counts.set(defect, (counts.get(defect) ?? 0) + 1)
  expect([...counts]).toEqual([
    ['bent_lead', 10],
    ['cut_lead', 10],
    ['damaged_case', 10],
    ['good', 60],
    ['misplaced', 10],
  ])
  const bad = test.filter((s) => s.label === 'anomalous')
  for (const sample of bad.filter((_, i) => i % 8 === 0)) {
    const image = await sample.load()
    const mask = await sample.loadMask!()
    expect([mask.width, mask.height]).toEqual([image.width, image.height])
    expect(mask.data.includes(1)).toBe(true)
  }
  expect(bad.every((s) => s.loadMask !== undefined)).toBe(true)
})
