import { readFile } from 'node:fs/promises'
import { expect, it, vi } from 'vitest'

it('the README’s example runs', async () => {
  const [example, readme] = await Promise.all(
    ['./example.ts', '../README.md'].map((p) => readFile(new URL(p, import.meta.url), 'utf8')),
  )
  expect(readme).toContain(example)
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await import('./example.js')
  expect(log.mock.calls).toEqual([
    [7, 'held-out'],
    ['AUROC of images', expect.any(Number)],
    [expect.any(Boolean)],
  ])
})
