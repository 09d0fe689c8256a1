import { readFile } from 'node:fs/promises'
import { expect, it, vi } from 'vitest'

it('the README’s example runs', async () => {
  const [example, readme] = await Promise.all(
    ['../test/example.ts', '../README.md'].map((p) =>
      readFile(new URL(p, import.meta.url), 'utf8'),
    ),
  )
  expect(readme).toContain(example)
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await import('../test/example.js')
  expect(log.mock.calls).toEqual([[[1, 2], Float32Array.of(1, Math.E)], [Float32Array.of(123)]])
})
