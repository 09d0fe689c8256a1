import { temporaryFolder } from '@cflow/base/testing'
import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseManifest } from '@cflow/core'
import { syntheticDataset } from '@cflow/datasets'
import { writeDataset } from '@cflow/datasets/node'
import { input, readMetadata, writeOnnx } from '@cflow/graph'
import { beforeAll, describe, expect, it } from 'vitest'
import { needsReducedRange } from '../src/commands/export.js'
import { cflow, json, tinySet } from './cflow.js'

const dir = await temporaryFolder('cli')
const at = (...parts: string[]) => join(dir, ...parts)
const model = () => at('run', 'model.onnx')
const good = () => at('part', 'train', 'good')
const labelled = () => ['--dataset', 'mvtec', '--root', dir, '--category', 'part']

beforeAll(async () => {
  // a kind and scales that leave no doubt about an image: what a gate may lose is then seen, not what chance shifts
  const dataset = syntheticDataset({ kind: 'mesh', size: 64, train: 10, test: 12 })
  await writeDataset({ ...dataset, category: 'part' }, dir)
  const trained = await cflow(['train', ...tinySet(dir), '--pool-layers', '3', '--out', at('run')])
  expect(trained.err).toBe('')
})

interface Exported {
  readonly file: string
  readonly bytes: { readonly before: number; readonly after: number }
  readonly gate?: string
  readonly layers?: number
  readonly keptInFloat?: readonly string[]
}

const manifestOf = async (path: string) => parseManifest(readMetadata(await readFile(path)))

describe('export', { timeout: 120_000 }, () => {
  it('fp16: half the size, beside the detector, and as good', async () => {
    const result = await cflow(['export', model(), '--precision', 'fp16', ...labelled(), '--json'])
    expect(result.err).toMatch(/^images of .*\n( .*\n)+$/)
    expect(result.code).toBe(0)
    const { file, bytes, gate } = json<Exported>(result)
    expect(file).toBe(at('run', 'model.fp16.onnx'))
    expect(bytes.after / bytes.before).toBeLessThan(0.55)
    expect(gate).toMatch(/^image AUROC .* pixel AUROC /)
    expect((await readFile(file)).length).toBe(bytes.after)
    expect((await manifestOf(file)).precision).toBe('float16')
    const predicted = await cflow(['predict', file, good(), '--json'])
    expect(json<unknown[]>(predicted)).toHaveLength(10)
  })

  it('int8: a quarter or so, within the gate by labels, kept layers recorded', async () => {
    const args = ['--precision', 'int8', ...labelled(), '--out', at('small.onnx')]
    const options = [
      '--keep-float',
      '_blocks.3.*, _blocks.5._project_conv',
      '--json',
      '--quiet',
      '--ranges',
      'minmax',
    ]
    const result = await cflow(['export', model(), ...args, ...options])
    expect(result.err).toBe('')
    expect(result.code).toBe(0)
    const { bytes, gate, layers, keptInFloat } = json<Exported>(result)
    expect(bytes.after / bytes.before).toBeLessThan(0.45)
    const [image, pixel] = [...gate!.matchAll(/AUROC ([\d.]+) → ([\d.]+)/g)]
    for (const pair of [image!, pixel!])
      expect(Number(pair[1]) - Number(pair[2])).toBeLessThan(0.0021)
    expect(keptInFloat!.length).toBeLessThan(layers! / 2)
    expect(keptInFloat).toContain('_blocks.3._expand_conv')
    expect(await manifestOf(at('small.onnx'))).toMatchObject({ precision: 'int8', keptInFloat })
    const judged = await cflow(['evaluate', at('small.onnx'), ...labelled(), '--json', '--quiet'])
    expect(json<{ image: { auroc: number } }>(judged).image.auroc).toBeCloseTo(Number(image![2]), 3)
  })

  it('int8 from a folder of good images, or a refusal that names layers and writes nothing', async () => {
    // few layers are left to quantise, so that it is quick; with defects scores lie far apart
    const all = at('part', '{train,test}', '**', '*.png')
    const args = ['export', model(), '--precision', 'int8', '--calibration', all]
    const kept = [
      '--keep-float',
      '_blocks.*,flow0.block0*,flow1*,flow2*',
      '--ranges',
      'minmax',
      '--no-fallback',
    ]
    const { code, out, err } = await cflow([
      ...args,
      ...kept,
      '--out',
      at('flows.onnx'),
      '--threads',
      '1',
    ])
    expect([code, err]).toEqual([0, expect.not.stringContaining('error') as string])
    expect(out).toMatch(/gate +rank correlation of 22 scores/)
    expect(out).toMatch(/int8 +\d+ of \d+ layers/)
    await access(at('flows.onnx'))
    // an encoder whose activations all saturate
    const most = '_blocks.*_expand_conv,_blocks.*_depthwise_conv,_blocks.1*,flow*'
    const crushed = ['--keep-float', most, '--margin', '1e-6', '--ranges', 'minmax']
    const refusal = ['--no-fallback', '--out', at('no.onnx')]
    const broken = await cflow([...args, ...crushed, ...refusal])
    expect(broken.err).toMatch(/error: int8 changes too much: rank correlation/)
    expect(broken.err).toMatch(/ {2}at: _blocks\.\d+\._project_conv \(/)
    expect(broken.code).toBe(1)
    await expect(access(at('no.onnx'))).rejects.toThrow('ENOENT')
  })

  it('says what is wrong', async () => {
    const fails = async (args: string[], message: RegExp, hint: RegExp) => {
      const { code, err, out } = await cflow(['export', ...args, '--out', at('no.onnx')])
      expect(err).toMatch(message)
      expect(err).toMatch(new RegExp(`^  hint: .*${hint.source}`, 'm'))
      expect(err).not.toMatch(/\n\s+at .*\.(ts|js):\d+/)
      expect([code, out]).toEqual([2, ''])
      await expect(access(at('no.onnx'))).rejects.toThrow('ENOENT')
    }
    const int8 = ['--precision', 'int8']
    await fails([model(), ...int8], /needs images to calibrate on/, /--calibration DIR/)
    await fails([model(), ...int8, '--calibration', at('gone')], /there is no .*gone/, /Check/)
    await fails([at('gone.onnx'), ...int8], /there is no .*gone\.onnx/, /Check/)
    await writeFile(at('other.onnx'), writeOnnx({ y: input('x', 'float32', [1]) }))
    await fails([at('other.onnx'), ...int8], /not a CFLOW detector/, /cflow train/)
    const unknown = [...int8, '--calibration', good(), '--keep-float', 'nose']
    await fails([model(), ...unknown], /no layer nose/, /_blocks\.0\._depthwise_conv.*flow0\./)
    await cflow(['export', model(), '--precision', 'fp16', '--out', at('half.onnx')])
    await fails([at('half.onnx'), ...int8, '--calibration', good()], /float16 already/, /float32/)
    const { code, err } = await cflow(['export', model(), '--precision', 'int4'])
    expect([code, err]).toEqual([2, expect.stringMatching(/--precision is one of fp16, int8/)])
  })
})

describe('benchmark', { timeout: 60_000 }, () => {
  it('measures latency, batches, memory and stages, as a table and as JSON', async () => {
    const args = ['benchmark', model(), '--repeats', '2', '--threads', '1']
    const images = ['--images', good(), '--batch', '1,2', '--json']
    const result = await cflow([...args, ...images])
    expect(result.err).toBe('')
    const document = json<Record<string, unknown>>(result)
    const positive = expect.any(Number) as number
    expect(document).toMatchObject({
      precision: 'float32',
      threads: 1,
      load: positive,
      latency: { p50: positive, p90: positive, p99: positive },
      batches: [{ size: 1 }, { size: 2 }],
      peakMemoryBytes: { one: positive, largestBatch: positive },
    })
    const names = (document['stages'] as { name: string }[]).map((s) => s.name)
    expect(names).toEqual(['decode', 'preprocessing', 'encoder', 'flows', 'score'])
    const { out } = await cflow([...args, '--batch', '1'])
    expect(out).toMatch(/latency +p50 [\d.]+ ms[^]*batch 1 +[\d.]+ images\/s[^]*flows +[\d.]+ ms/)
  })

  it('refuses a batch that is none', async () => {
    const { code, err } = await cflow(['benchmark', model(), '--batch', '1,x'])
    expect([code, err]).toEqual([2, expect.stringMatching(/--batch is a list of numbers/)])
  })
})

it('weights have seven bits where the processor is an x86 without VNNI', async () => {
  await writeFile(at('old'), 'flags : fpu sse avx2 avx512f\n')
  await writeFile(at('new'), 'flags : fpu avx512f avx512_vnni avx512_bitalg\n')
  expect(needsReducedRange('x64', at('old'))).toBe(true)
  expect(needsReducedRange('x64', at('new'))).toBe(false)
  expect(needsReducedRange('arm64', at('old'))).toBe(false)
  expect(needsReducedRange('x64', at('none'))).toBe(false)
})
