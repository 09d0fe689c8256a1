import { temporaryFolder } from '@cflow/base/testing'
import { access, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { cflow, json } from './cflow.js'

const dir = await temporaryFolder('cli-tune')
const at = (...parts: string[]) => join(dir, ...parts)
/** Two candidates beside the settings as they are: what is said is not tried in other ways. */
const few = [
  ...['--dataset', 'synthetic', '--category', 'mesh', '--train-images', '8', '--test-images', '6'],
  ...['--input-size', '64', '--pool-layers', '1', '--coupling-layers', '2', '--encoder'],
  ...['efficientnet-lite0', '--neighbourhoods', '1', '--remembered', '50', '--score-share', '0'],
  ...['--aggregation', 'softMinimum', '--quiet'],
] as const

interface Tuned {
  readonly changes: Record<string, unknown>
  readonly config: Record<string, unknown>
  readonly explanation: string
  readonly candidates: readonly { readonly name: string; readonly quality?: object }[]
  readonly files: { readonly config: string }
}

describe('tune', { timeout: 240_000 }, () => {
  it('compares candidates and writes a configuration file that train takes', async () => {
    const out = at('conf', 'tuned.yaml')
    const result = await cflow(['tune', ...few, '--out', out, '--json'])
    expect(result.err).toBe('')
    expect(result.code).toBe(0)
    const { changes, config, explanation, candidates } = json<Tuned>(result)
    const names = candidates.map((c) => c.name)
    expect(names).toContain('')
    expect(names).toContain('passes 0')
    expect(names.join()).not.toMatch(/input-size|neighbourhoods|score-share|remembered/)
    const text = await readFile(out, 'utf8')
    expect(text).toContain(explanation)
    expect(text).toMatch(/# CANDIDATE +SCORE +GAIN +IMAGE/)
    // what is there is not replaced, and that is found out before the work
    const twice = await cflow(['tune', ...few, '--out', out, '--json'])
    expect([twice.code, json<{ error: { code: string } }>(twice).error.code]).toEqual([2, 'EXISTS'])
    const values = parse(text) as Record<string, unknown>
    expect(values).toMatchObject({ inputSize: 64, poolLayers: 1, ...changes })
    expect(config).toMatchObject(values)
    await writeFile(out, `${text}trainImages: 6\n`)
    const trained = await cflow([
      ...['train', '--dataset', 'synthetic', '--category', 'mesh', '--config', out, '--folds', '0'],
      ...['--test-images', '6', '--out', at('run'), '--json', '--quiet', '--passes', '1'],
    ])
    expect(trained.code).toBe(0)
    expect(json<Tuned>(trained).config).toMatchObject({ ...values, passes: 1 })
  })

  it('train --auto does both in one go, and the detector file says what was chosen', async () => {
    const out = at('auto')
    const minutes = ['--auto', '--minutes', '0.001', '--folds', '0']
    const { code, out: printed, err } = await cflow(['train', ...few, ...minutes, '--out', out, '--json']) // prettier-ignore
    expect([code, err]).toEqual([0, ''])
    expect((await readdir(out)).sort()).toEqual([
      ...['checkpoint', 'metrics.json', 'model.onnx', 'report.html', 'run.json', 'scores.csv'],
      'tuned.yaml',
    ])
    expect(printed).toContain('"tuned": "no change"')
    const model = await readFile(join(out, 'model.onnx'))
    expect(model.includes('"tuned":"no change"')).toBe(true)
    // another start chooses what it chose, and gives the same file
    const again = await cflow(['train', ...few, ...minutes, '--out', out, '--json', '--resume'])
    expect(again.code).toBe(0)
    expect(Buffer.compare(await readFile(join(out, 'model.onnx')), model)).toBe(0)
  })

  it('refuses what does not go together before any work', async () => {
    const fails = async (...args: string[]) => {
      const { code, err } = await cflow(args)
      expect(code).toBe(2)
      return err
    }
    const builtIn = ['--dataset', 'synthetic', '--out', at('none', 'a.yaml')]
    expect(await fails('train', ...builtIn, '--budget', '30ms')).toMatch(/--budget .*[^]*--auto/)
    expect(await fails('train', ...builtIn, '--minutes', '3')).toMatch(/--minutes .*[^]*--auto/)
    expect(await fails('tune', ...builtIn, '--budget', 'fast')).toMatch(/a time such as 30ms/)
    expect(await fails('tune', ...builtIn, '--budget', '0')).toMatch(/--budget/)
    expect(await fails('tune', ...builtIn, '--train-images', '5')).toMatch(/5 good images/)
    expect(await fails('tune', at('x'), '--root', at('y'))).toMatch(/given twice/)
    expect(
      await fails('tune', ...few, '--budget', '0.001ms', '--out', at('none', 'b.yaml')),
    ).toMatch(/none of \d+ candidates? judges an image in 0.001 ms here[^]*the quickest, .+, takes/)
    await expect(access(at('none', 'a.yaml'))).rejects.toThrow()
    await expect(access(at('none', 'b.yaml'))).rejects.toThrow()
  })
})
