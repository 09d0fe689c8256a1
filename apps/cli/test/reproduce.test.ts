import { temporaryFolder } from '@cflow/base/testing'
import { syntheticDataset } from '@cflow/datasets'
import { writeDataset } from '@cflow/datasets/node'
import { cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { cflow, json } from './cflow.js'

const dir = await temporaryFolder('cli')
beforeAll(async () => {
  vi.stubEnv('CFLOW_HOME', join(dir, 'home'))
  const dataset = syntheticDataset({ kind: 'part', size: 64, train: 8, test: 6 })
  await writeDataset({ ...dataset, category: 'transistor' }, join(dir, 'mvtec'))
})
afterAll(async () => {
  vi.unstubAllEnvs()
})

const out = () => join(dir, 'out')
const small = (more: readonly string[] = []) => [
  ...['--mvtec', join(dir, 'mvtec'), '--input-sizes', '64', '--recipe', 'whitened'],
  ...['--passes', '1', '--threads', '1', '--out', out(), ...more],
]

interface Printed {
  readonly documents: { readonly name: string; readonly files: string[]; readonly data: unknown }[]
  readonly trials: { readonly run: number; readonly reused: number }
  readonly missing: string[]
}

it(
  'compares all methods, takes what is finished from the store, and prints one JSON document',
  { timeout: 300_000 },
  async () => {
    const first = await cflow(['reproduce', 'methods', ...small()])
    expect(first.code).toBe(0)
    expect(first.err).toMatch(/7 of 7 trainings to run, about/)
    for (const method of ['CFLOW', 'UFLOW', 'PaDiM', 'SPADE', 'PatchCore', 'DFR', 'DifferNet'])
      expect(first.out).toMatch(new RegExp(`^\\| transistor .* ${method} `, 'm'))
    // the paper's own figures of the class stand beside them
    expect(first.out).toContain('95.21 / 97.99 / 81.40')
    expect(first.out).toBe(await readFile(join(out(), 'methods.md'), 'utf8'))

    const second = await cflow(['reproduce', 'methods', ...small(['--json', '--quiet'])])
    expect(second.err).toBe('')
    const printed = json<Printed>(second)
    expect(printed.trials).toEqual({ run: 0, reused: 7 })
    expect(printed.documents[0]!.files).toEqual([join(out(), 'methods.md'), join(out(), 'methods.json')]) // prettier-ignore
  },
)

it('parts share the trainings, each once, and what they made together is the whole', async () => {
  const args = (out: string, more: readonly string[]) => [
    ...['reproduce', 'methods', ...small(), '--methods', 'padim,spade,patchcore'],
    ...['--out', join(dir, out), '--json', '--quiet', ...more],
  ]
  const runs: number[] = []
  for (const part of ['1/2', '2/2']) {
    const ran = await cflow(args(`part-${part[0]}`, ['--shard', part]))
    expect(ran.code).toBe(0)
    runs.push(json<Printed>(ran).trials.run)
  }
  expect(runs).toEqual([2, 1])
  await mkdir(join(dir, 'whole', 'trials'), { recursive: true })
  for (const part of ['part-1', 'part-2']) {
    expect(await readdir(join(dir, part))).toEqual(['trials'])
    await cp(join(dir, part, 'trials'), join(dir, 'whole', 'trials'), { recursive: true })
  }
  const whole = await cflow(args('whole', []))
  expect(json<Printed>(whole).trials).toEqual({ run: 0, reused: 3 })
})

it('takes its settings from a file that serves other commands too', async () => {
  const config = join(dir, 'cflow.yaml')
  const lines = [`mvtec: ${join(dir, 'mvtec')}`, `out: ${out()}`, 'scenes: all', 'threads: 1']
  await writeFile(config, [...lines, 'input-sizes: [64]', 'methods: [padim]', 'recipe: whitened', 'passes: 1'].join('\n')) // prettier-ignore
  const { code, out: text } = await cflow(['reproduce', 'methods', '--config', config])
  expect(code).toBe(0)
  expect(text).not.toContain('SPADE ')
})

it('is refused while another process works in the folder', async () => {
  const busy = join(dir, 'busy')
  await mkdir(busy)
  const holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() }
  await writeFile(join(busy, 'reproduce.lock'), JSON.stringify(holder))
  const { code, err } = await cflow(['reproduce', 'table5', '--scenes', '1', '--out', busy])
  expect(code).toBe(2)
  expect(err).toMatch(/in use by process/)
})

it('says what is missing and fails where nothing can be run', async () => {
  const none = await cflow(['reproduce', 'table5', '--scenes', '1', '--out', join(dir, 'none')])
  expect(none.code).toBe(1)
  expect(none.err).toContain('needs ShanghaiTech Campus: --stc DIR')
  expect(none.err).toContain('error: nothing of it could be run here')
})

it.each([
  [['table7'], /nothing called table7/],
  [['methods', '--methods', 'cflow,magic'], /--methods/],
  [['methods', '--encoders', 'resnet19'], /no encoder called resnet19/],
  [['methods', '--input-sizes', '64,x'], /--input-sizes/],
  [['methods', '--recipe', 'quick'], /--recipe/],
  [['methods', '--seeds', '0'], /--seeds/],
  [['methods', '--shard', '3/2'], /no part 3 of 2/],
  [['methods', '--shard', '0/2'], /--shard is a part such as 2\/3/],
  [['methods', '--mvtec', '/no/such/folder'], /no such|does not exist|there is no/i],
])('refuses %j', async (args, message) => {
  const { code, err, out: text } = await cflow(['reproduce', ...args, '--out', join(dir, 'bad')])
  expect(code).toBe(2)
  expect(err).toMatch(message)
  expect(text).toBe('')
})

it('ends with 130 at Ctrl-C, and the same command goes on', { timeout: 300_000 }, async () => {
  const controller = new AbortController()
  const args = ['reproduce', 'methods', ...small(), '--methods', 'cflow', '--passes', '50', '--out', join(dir, 'stopped')] // prettier-ignore
  const stopped = await cflow(args, {
    columns: 120,
    signal: controller.signal,
    onErr(text) {
      // shown at the latest when training goes on after its first look at the test set, at the end of pass 2
      if (/pass ([3-9]|[1-4]\d)\//.test(text)) controller.abort(new Error('interrupted'))
    },
  })
  expect(stopped.code).toBe(130)
  expect(stopped.err).toMatch(/interrupted; what is finished is in .*: the same command goes on/)
  expect(await readdir(join(dir, 'stopped', 'unfinished'))).toHaveLength(1)
  const passes: number[] = []
  const resumed = await cflow(args, {
    columns: 120,
    onErr(text) {
      const pass = /pass (\d+)\//.exec(text)?.[1]
      if (pass !== undefined) passes.push(Number(pass))
    },
  })
  expect(resumed.code).toBe(0)
  expect(Math.min(...passes)).toBeGreaterThan(1)
})
