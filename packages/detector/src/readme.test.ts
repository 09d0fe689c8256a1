import { readFile, writeFile } from 'node:fs/promises'
import { chdir, cwd } from 'node:process'
import { temporaryFolder } from '@cflow/base/testing'
import { noise, toyDetector } from '@cflow/core/testing'
import { encodePng } from '@cflow/datasets/node'
import { afterAll, expect, it, vi } from 'vitest'

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
  for (const [i, name] of ['part-17', 'a', 'b', 'c'].entries())
    await writeFile(`${name}.png`, await encodePng(noise(i, 20 + i, 16)))
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await import('../test/example.js')
  const [[anomalous, score, threshold], [sentence], [pixels], [json]] = log.mock.calls as never as [
    [boolean, number, number],
    [string],
    [number],
    [string],
  ]
  expect(anomalous).toBe(score > threshold)
  expect(sentence).toMatch(/^score \S+ is (not )?above the threshold/)
  expect(pixels > 0).toBe(anomalous)
  expect(JSON.parse(json)).toHaveLength(3)
  expect(json).not.toContain('anomalyMap')
})
