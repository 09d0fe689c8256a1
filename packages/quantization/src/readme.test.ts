import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { chdir, cwd } from 'node:process'
import { temporaryFolder } from '@cflow/base/testing'
import { toyDetector } from '@cflow/core/testing'
import { encodePng } from '@cflow/datasets/node'
import { afterAll, expect, it, vi } from 'vitest'
import { toyImages } from '../test/images.js'

const before = cwd()
const folder = await temporaryFolder('readme')
afterAll(() => chdir(before))

it('the README’s example runs', async () => {
  const [example, readme] = await Promise.all(
    ['../test/example.ts', '../README.md'].map((p) =>
      readFile(new URL(p, import.meta.url), 'utf8'),
    ),
  )
  expect(readme).toContain(example)
  chdir(folder)
  await writeFile('model.onnx', toyDetector())
  await mkdir('good')
  let count = 0
  for await (const image of toyImages(12)())
    await writeFile(`good/${count++}.png`, await encodePng(image))
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await import('../test/example.js')
  expect(log.mock.calls).toEqual([
    [expect.stringMatching(/^rank correlation of 12 scores/)],
    ['in float:', ['stem', 'flow0.whitening', 'flow1.whitening']],
  ])
  expect((await stat('half.onnx')).size).toBeGreaterThan(0)
  expect((await stat('int8.onnx')).size).toBeGreaterThan(0)
})
