import { temporaryFolder } from '@cflow/base/testing'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  laboratory,
  reproduce,
  runTrial,
  selectionSchema,
  somethingRan,
  type LaboratoryOptions,
  type Result,
  type Trial,
} from '@cflow/experiments'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { writeClass } from './photos.js'
import { writeScene } from './scene.js'

const dir = await temporaryFolder('experiments')
beforeAll(async () => {
  // no weights but those that come with the package
  vi.stubEnv('CFLOW_HOME', join(dir, 'home'))
  await writeClass(join(dir, 'mvtec'), 'transistor')
})
afterAll(() => vi.unstubAllEnvs())

const lab = (out: string, more: Partial<LaboratoryOptions> = {}) =>
  laboratory({ out: join(dir, out), mvtec: join(dir, 'mvtec'), runtime: { threads: 1 }, ...more }) // prettier-ignore

const small = {
  recipe: 'whitened',
  passes: 1,
  categories: ['bottle', 'transistor'],
  inputSizes: [64],
} as const

it('puts measured figures beside the paper’s, says what is missing, and reuses what is there', async () => {
  const selection = selectionSchema.parse({
    ...small,
    categories: [...small.categories],
    inputSizes: [...small.inputSizes],
    encoders: ['efficientnet-lite0', 'resnet18'],
    methods: ['cflow', 'padim'],
    seeds: 2,
  })
  const first = await reproduce(['table3'], selection, await lab('table3'))
  expect(first.trials).toEqual({ run: 4, reused: 0 })
  expect(first.failed).toEqual([])
  expect([...first.missing].sort()).toEqual([
    `needs bottle of MVTec AD: it is not in ${join(dir, 'mvtec')}`,
    'needs weights of resnet18: cflow encoders pull resnet18',
  ])
  expect(somethingRan(first)).toBe(true)
  const { markdown, files } = first.documents[0]!
  expect(
    await readFile(
      files.find((f) => f.endsWith('table3.md'))!,
      'utf8',
    ),
  ).toBe(markdown)
  expect(generalised(markdown)).toMatchSnapshot()

  const second = await reproduce(['table3'], selection, await lab('table3'))
  expect(second.trials).toEqual({ run: 0, reused: 4 })
  expect(second.documents[0]!.markdown).toBe(markdown)
  // another table takes the same trainings
  const table4 = await reproduce(['table4'], { ...selection, methods: ['padim'] }, await lab('table3')) // prettier-ignore
  expect(table4.trials).toEqual({ run: 0, reused: 2 })
})

/** What was measured here replaced by a star: the paper's figures stay. */
function generalised(markdown: string): string {
  const line = (text: string): string => {
    if (!text.startsWith('|')) return text
    const cells = text.split('|').map((cell) => cell.trim().replaceAll(/-{3,}/g, '---'))
    // after class and size, every first of four is the paper's
    const measured = (cell: string, i: number) => i > 2 && (i - 3) % 4 !== 0 && /\d\.\d/.test(cell)
    const wide = cells.length > 10
    return cells.map((cell, i) => (wide && measured(cell, i) ? '*' : cell)).join(' | ').trim() // prettier-ignore
  }
  return markdown
    .split('\n')
    .filter((text) => !/^- (machine:|run )/.test(text))
    .map(line)
    .join('\n')
    .replaceAll(dir, 'DIR')
}

it('goes on after an interruption to the result of a training that was never stopped', async () => {
  const trial: Trial = {
    ...{ method: 'cflow', encoder: 'efficientnet-lite0', inputSize: 64, poolLayers: 2 },
    ...{ recipe: 'whitened', couplingLayers: 2, passes: 4, seed: 0 },
    data: { set: 'mvtec', category: 'transistor' },
  }
  const resultOf = async (out: string, more: Partial<LaboratoryOptions> = {}) => {
    const outcome = await runTrial(trial, await lab(out, more))
    if (outcome.kind !== 'done') throw new Error(outcome.reason)
    return outcome.result
  }
  const controller = new AbortController()
  const interrupted = resultOf('stopped', {
    signal: controller.signal,
    onProgress({ stage, done }) {
      if (stage === 'train' && done >= 2) controller.abort(new Error('stop'))
      controller.signal.throwIfAborted()
    },
  })
  await expect(interrupted).rejects.toThrow('stop')
  const [kept] = await readdir(join(dir, 'stopped', 'unfinished'))
  expect(kept).toMatch(/^cflow-efficientnet-lite0-64px-2cl-2pl-whitened-transistor-seed0-/)
  expect(await readdir(join(dir, 'stopped', 'unfinished', kept!))).toContain('notes.json')

  const passes: number[] = []
  const resumed = await resultOf('stopped', {
    onProgress: ({ stage, done }) => void (stage === 'train' && passes.push(done)),
  })
  expect(Math.min(...passes)).toBeGreaterThan(1)
  const whole = await resultOf('whole')
  const rates = ({ strict, paper, bytes, images }: Result) => ({ strict, paper, bytes, images })
  expect(rates(resumed)).toEqual(rates(whole))
  expect(whole.paper.best?.pixel).toBeDefined()
  expect(await readdir(join(dir, 'stopped', 'unfinished'))).toEqual([])
})

it('draws Figures 3 and 4 of a training that a table has left, without training again', async () => {
  const selection = selectionSchema.parse({
    ...{ recipe: 'whitened', passes: 1, encoders: ['efficientnet-lite0'], inputSizes: [64] },
    categories: ['transistor'],
  })
  const drawn = await reproduce(['figure3', 'figure4'], selection, await lab('table3'))
  expect(drawn.trials).toEqual({ run: 0, reused: 1 })
  const files = drawn.documents.flatMap((d) => d.files)
  for (const file of files.filter((f) => f.endsWith('.png')))
    expect((await readFile(file)).subarray(1, 4).toString()).toBe('PNG')
  expect(files.filter((f) => f.endsWith('.png'))).toHaveLength(2)
})

it('computes nothing where nothing is there', async () => {
  const nothing = await reproduce(['table5'], selectionSchema.parse({ scenes: ['01'] }), await lab('none')) // prettier-ignore
  expect(somethingRan(nothing)).toBe(false)
  expect(nothing.missing).toEqual(['needs ShanghaiTech Campus: --stc DIR'])
  expect(nothing.documents[0]!.markdown).toContain('94.48')
})

it('names a method that cannot have an input size, and runs the rest', async () => {
  const selection = selectionSchema.parse({
    ...{ recipe: 'whitened', passes: 0, categories: ['transistor'], inputSizes: [72] },
    methods: ['padim', 'cflow'],
  })
  const { failed, trials } = await reproduce(['methods'], selection, await lab('odd'))
  expect(trials.run).toBe(1)
  expect(failed).toHaveLength(1)
  expect(failed[0]).toMatch(/inputSize 72 is no multiple of 32/)
})

it('averages the scenes of ShanghaiTech Campus', async () => {
  await writeScene(join(dir, 'stc'), '03')
  const selection = selectionSchema.parse({
    ...{ recipe: 'paper', passes: 1, encoders: ['efficientnet-lite0'], inputSizes: [64] },
    ...{ methods: ['cflow', 'padim'], frameStep: 1 },
  })
  const stc = { stc: join(dir, 'stc') }
  const { trials, documents, failed } = await reproduce(['table5'], selection, await lab('stc-out', stc)) // prettier-ignore
  expect(failed).toEqual([])
  expect(trials.run).toBe(2)
  const { markdown } = documents[0]!
  expect(markdown).toMatch(/\| CFLOW-AD +\| +72\.63 \| +\d+\.\d\d \|/)
  expect(markdown).toMatch(/\| 03 +\|/)
})

it('counts Table 1 and draws Figure 1, and has both at once the second time', async () => {
  const selection = selectionSchema.parse({
    ...{ categories: ['transistor'], encoders: ['efficientnet-lite0'], inputSizes: [64] },
    passes: 1,
  })
  const first = await reproduce(['table1', 'figure1'], selection, await lab('counted'))
  const [table, figure] = first.documents
  expect(table!.markdown).toMatch(/\| CFLOW-AD +\| L\(θ\) .* 14\.6 \|/)
  expect(figure!.filled).toBe(true)
  const png = await readFile(figure!.files.find((f) => f.endsWith('.png'))!)
  const stages: string[] = []
  const again = await reproduce(['table1', 'figure1'], selection, await lab('counted', { onProgress: ({ stage }) => void stages.push(stage) })) // prettier-ignore
  expect(stages).toEqual([])
  expect(again.documents[1]!.markdown).toBe(figure!.markdown)
  expect(Buffer.compare(png, await readFile(figure!.files.find((f) => f.endsWith('.png'))!))).toBe(
    0,
  )
})
