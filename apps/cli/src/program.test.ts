import { expect, it, vi } from 'vitest'
import { main } from './cli.js'

const loaded: string[] = []
for (const name of ['@cflow/trainer', '@cflow/datasets/node', '@cflow/runtimes/node', 'zod'])
  vi.doMock(name, async (original) => {
    loaded.push(name)
    return original()
  })

async function help(...argv: string[]): Promise<string> {
  let out = ''
  const io = { out: (text: string) => void (out += text), err: () => undefined }
  const { signal } = new AbortController()
  expect(await main(argv, { ...io, columns: undefined, env: {}, signal })).toBe(0)
  return out
}

it('help of all commands is quick: it loads nothing of what they need', async () => {
  expect(await help('--help')).toMatch(/evaluate \[options\] <model> +Measure a detector/)
  expect(await help('encoders', '--help')).toMatch(/import \[options\] <name> <file>/)
  expect(loaded).toEqual([])
})

it('help of one command has arguments, and settings by group, with choices and defaults', async () => {
  const text = await help('help', 'benchmark')
  expect(text).toMatch(/^Arguments:\n {2}model +detector file/m)
  expect(text).toMatch(/^Measurement:\n(.*\n)+? +--repeats <N> +runs of each measurement \(30\)\n/m)
  expect(await help('encoders', 'pull', '--help')).toContain('--from <URL>')
  const train = (await help('train', '--help')).replaceAll(/\s+/g, ' ')
  expect(train).toContain(
    'CFLOW-AD, DifferNet: coupling layers of each flow (4; paper, DifferNet: 8)',
  )
  expect(train).toContain('rules) (strict)')
  expect(loaded).toContain('@cflow/trainer')
})
