import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { chdir, cwd } from 'node:process'
import { temporaryFolder } from '@cflow/base/testing'
import { encodePng } from '@cflow/datasets/node'
import { afterAll, expect, it, vi } from 'vitest'
import { syntheticDataset } from '@cflow/datasets'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { resolveConfig } from '@cflow/methods'
import { openRuntime } from '@cflow/runtimes'
import { evaluate, fit } from '@cflow/trainer'

const { category, train, test } = syntheticDataset({ kind: 'mesh', train: 24, test: 12 })
const config = resolveConfig({ inputSize: 64, passes: 2 }) // the rest from the recipe
const weights = await loadEncoderWeights(config.encoder)
const spec = encoderSpec(config.encoder)
const encoder = encoderModel(spec, weights, config.poolLayers, config.inputSize)
const runtime = await openRuntime()
const { model } = await fit({ samples: train, category, config, encoder, runtime })
const { evaluation } = await evaluate({ model, samples: test, runtime })

const here = (path: string) => new URL(path, import.meta.url)
const readme = await readFile(here('../README.md'), 'utf8')
const before = cwd()
const folder = await temporaryFolder('readme')
afterAll(() => chdir(before))

it('runs the example of fit', async () => {
  expect(evaluation.image?.auroc).toBeGreaterThan(0.5)
  const [, , [, example] = []] = [...readme.matchAll(/```ts\n([^]*?)```/g)]
  expect(example).toContain('await fit(')
  expect(await readFile(here('readme.test.ts'), 'utf8')).toContain(example)
})

it('runs the example of trainDetector', async () => {
  const example = await readFile(here('../test/front-door.ts'), 'utf8')
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)
  chdir(folder)
  await mkdir('good')
  const images = syntheticDataset({ kind: 'mesh', size: 96, train: 30, test: 6 })
  for (const [i, sample] of images.train.entries())
    await writeFile(`good/${i}.png`, await encodePng(await sample.load()))
  const bad = images.test.find(({ label }) => label === 'anomalous')
  await writeFile('new.png', await encodePng(await bad!.load()))
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await import('../test/front-door.js')
  const [anomalous, score, threshold] = log.mock.lastCall as [boolean, number, number]
  expect(anomalous).toBe(score > threshold)
  expect(score).toBeGreaterThan(0)
  expect(log.mock.calls.at(-2)).toEqual([[]])
  expect(log.mock.calls[0]).toEqual(['read', expect.stringMatching(/^\d+\/30$/)])
  expect((await readFile('model.onnx')).length).toBeGreaterThan(1e6)
})

it('runs the example of previews', async () => {
  const example = await readFile(here('../test/previews.ts'), 'utf8')
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)
  const log = vi.spyOn(console, 'log').mockReset().mockReturnValue()
  await import('../test/previews.js')
  expect(log.mock.calls.map(([pass, source]) => `${pass} ${source}`)).toEqual([0, 0, 1, 1, 2, 2].map((pass) => `${pass} held-out`)) // prettier-ignore
})
