import { temporaryFolder } from '@cflow/base/testing'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { drivers } from './node/drivers.js'

const folder = await temporaryFolder('readme')

import { syntheticDataset } from '@cflow/datasets'
import { openDataset, writeDataset } from '@cflow/datasets/node'

// photograph-like renderings: good ones to learn from, good and defective ones to judge
const cable = syntheticDataset({ kind: 'cable', size: 64, train: 6, test: 9 })
await writeDataset(cable, folder) // folder/cable/train/good/000.png …, as MVTec AD has it
const { train, test } = await openDataset({ dataset: 'mvtec', root: folder, category: 'cable' })
const { id, defect } = test[0]! // 'test/bent_strands/000.png', 'bent_strands'
const image = await test[0]!.load() // { width: 64, height: 64, data: Uint8Array }
const truth = await test[0]!.loadMask?.() // 0 normal, 1 anomalous; absent for good images

const text = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
const readme = text('../README.md')

it('runs the example of the README', () => {
  expect([train.length, test.length]).toEqual([6, 9])
  expect([id, defect]).toEqual(['test/bent_strands/000.png', 'bent_strands'])
  expect([image.width, image.height]).toEqual([64, 64])
  expect(truth?.data).toContain(1)
  const [, example] = /```ts\n([^`]*)```/.exec(readme)!
  expect(text('readme.test.ts')).toContain(example)
})

it('has a row of the README for every driver and each of its settings', () => {
  const rows = readme.replaceAll(/ +/g, ' ')
  for (const { name, title, settings } of drivers) {
    expect(rows).toContain(`| \`${name}\`, ${title} |`)
    for (const [key, field] of Object.entries(settings.shape)) {
      const { help, default: standard = '', otherwise = standard } = field.meta()!
      const cells = [`\`${name}\`, ${title}`, `\`${key}\``, help, otherwise]
      expect(rows).toContain(`| ${cells.join(' | ')} |`.replaceAll(/ +/g, ' '))
    }
  }
})
