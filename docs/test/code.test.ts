import { spawn, spawnSync } from 'node:child_process'
import { existsSync, openSync, readFileSync } from 'node:fs'
import { chmod, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { chdir, cwd } from 'node:process'
import { pathToFileURL } from 'node:url'
import { temporaryFolder } from '@cflow/base/testing'
import { syntheticDataset } from '@cflow/datasets'
import { encodePng } from '@cflow/datasets/node'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { blocksOf, docs, pages, textOf, workspace, type Block } from './blocks.js'
import { openPages } from './in-page.js'
import { chromiumPath } from '../../apps/web/test/chromium.js'

// every code block of the documentation runs, page by page, each page in a folder of its own
const folder = await temporaryFolder('docs')
const tsx = pathToFileURL(join(workspace, 'node_modules/tsx/dist/loader.mjs')).href
const bin = join(folder, 'bin')
const fixture = join(folder, 'fixture')
const port = await freePort()
const before = cwd()
afterAll(() => chdir(before))
afterAll(() => rm(join(docs, '.blocks'), { recursive: true, force: true }))

beforeAll(async () => {
  await mkdir(bin)
  for (const program of ['cflow', 'npm']) {
    const command = `'${process.execPath}' --conditions=@cflow/source --import '${tsx}' '${join(docs, 'test/cflow.mjs')}' ${program} "$@"`
    await writeFile(join(bin, program), `#!/bin/sh\nexec ${command}\n`)
    await chmod(join(bin, program), 0o755)
  }
  const { train, test } = syntheticDataset({ kind: 'part', size: 64, train: 16, test: 9 })
  const bad = test.filter(({ label }) => label === 'anomalous')
  const files = {
    'photos/good': train.slice(0, 13),
    'photos/bad': bad.slice(0, 3),
    'new-photos': test.slice(0, 4),
    'false-alarms': train.slice(14, 16),
  }
  for (const [name, samples] of Object.entries(files)) {
    await mkdir(join(fixture, name), { recursive: true })
    for (const [i, sample] of samples.entries())
      await writeFile(join(fixture, name, `${i}.png`), await encodePng(await sample.load()))
  }
  await cp(join(fixture, 'photos/bad/0.png'), join(fixture, 'part-17.png'))
  await cp(join(fixture, 'photos/good/0.png'), join(fixture, 'part-18.png'))
  // one training for all the pages that have a detector already
  shell('cflow train --root photos --out trained', fixture)
  await cp(join(fixture, 'trained/model.onnx'), join(fixture, 'model.onnx'))
})

const environment = { ...process.env, DOCS_PORT: String(port), NODE_OPTIONS: '', VITEST: '' }

/** Run lines as a shell does, each to succeed. What they start in the background goes on. @returns what they printed */
function shell(code: string, at: string): string {
  const path = `${bin}:${process.env['PATH']}`
  const out = join(folder, 'out.txt')
  const file = openSync(out, 'w')
  const { status } = spawnSync('bash', ['-euo', 'pipefail', '-c', code], {
    cwd: at,
    env: { ...environment, PATH: path },
    stdio: ['ignore', file, file],
    timeout: 280_000,
  })
  const printed = readFileSync(out, 'utf8')
  expect(status, `${code}\n${printed}`).toBe(0)
  return printed
}

/** Trainings that a test can wait for, and a port that is free. */
const asTested = (code: string): string =>
  code
    .replaceAll('localhost:8080', `localhost:${port}`)
    .replaceAll('"method": "cflow"', '"method": "cflow", "inputSize": 64, "passes": 1, "folds": 0')

const python = [process.env['CFLOW_PYTHON'], 'python3', 'python']
  .filter((name) => name !== undefined)
  .find((name) => spawnSync(name, ['-c', 'import onnxruntime, numpy, PIL']).status === 0)

/** Why a block is not run; undefined where it is. */
function reasonOf({ language, about }: Block): string | undefined {
  if (about.startsWith('needs ')) return about
  if (language === 'csharp' || language === 'cpp') return `no compiler for ${language}`
  if (about === 'page' && !chromiumPath()) return 'no Chromium'
  if (language === 'python' && !python) return 'no Python with onnxruntime, numpy and pillow'
  if (language === 'sh' && process.platform === 'win32') return 'no bash'
  return undefined
}

describe.each(pages.filter((page) => blocksOf(textOf(page)).length > 0))('%s', (page) => {
  const name = page.replaceAll(/[/.]/g, '-')
  const at = join(folder, name)
  const text = textOf(page)
  let server: ReturnType<typeof spawn> | undefined
  beforeAll(async () => {
    await cp(fixture, at, { recursive: true })
    // where the page does not train it itself
    for (const run of ['runs/mine', 'runs/first', 'runs/patchcore'])
      if (text.includes(`${run}/model.onnx`) && !text.includes(`--out ${run}`))
        await cp(join(fixture, 'trained'), join(at, run), { recursive: true })
    chdir(at)
  })
  afterAll(() => void server?.kill())

  const blocks = blocksOf(text).map(
    (block) => [`${block.language} in line ${block.line}`, block] as const,
  )
  it.for(blocks)('%s', async ([title, block], { skip }) => {
    const { language, about, code } = block
    const reason = reasonOf(block)
    if (reason) {
      console.log(`${page}, ${title}: not run: ${reason}`)
      // what is not run is there, at least
      for (const [script] of code.matchAll(/\bbenchmarks\/[\w-]+\.ts\b/g))
        expect(existsSync(join(workspace, script))).toBe(true)
      return skip(reason)
    }
    if (language === 'sh') {
      // a server outlives its block, not its page
      const lines = asTested(code).split('\n')
      if (lines.some((line) => /^cflow serve &$/.test(line)))
        server = spawn(join(bin, 'cflow'), ['serve'], {
          cwd: at,
          env: environment,
          stdio: 'ignore',
        })
      shell(lines.filter((line) => line !== 'cflow serve &').join('\n'), at)
    } else if (language === 'ts' && about === 'page') {
      expect(await (await openPages(fixture))!(code)).toMatch(/\S/)
    } else if (language === 'ts' && about === 'server') {
      const script = join(docs, '.blocks', `${name}-${block.line}.ts`)
      await mkdir(join(docs, '.blocks'), { recursive: true })
      await writeFile(script, asTested(code))
      const flags = ['--conditions=@cflow/source', '--import', tsx, script]
      const ran = spawnSync(process.execPath, flags, {
        cwd: at,
        env: environment,
        encoding: 'utf8',
      })
      expect([ran.status, ran.stderr]).toEqual([0, ''])
      expect(ran.stdout).toMatch(/\S/)
    } else if (language === 'ts') {
      const script = join(docs, '.blocks', `${name}-${block.line}.ts`)
      await mkdir(join(docs, '.blocks'), { recursive: true })
      await writeFile(script, asTested(code))
      const log = vi.spyOn(console, 'log').mockReturnValue()
      const error = vi.spyOn(console, 'error').mockReturnValue()
      // vitest remembers where it was started
      vi.spyOn(process, 'cwd').mockReturnValue(at)
      await import(/* @vite-ignore */ script)
      if (code.includes('console.log(')) expect(log).toHaveBeenCalled()
      expect(error.mock.calls).toEqual([])
      vi.restoreAllMocks()
    } else if (language === 'python') {
      const { status, stdout, stderr } = spawnSync(python!, ['-c', code], { encoding: 'utf8' })
      expect(status, stderr).toBe(0)
      expect(stdout).toMatch(/\S/)
    } else if (language === 'js') {
      // a file of settings for a tool that is run in `npm run outside -- --all`
      await writeFile(join(at, about), code)
      expect(await import(/* @vite-ignore */ join(at, about))).toHaveProperty('default')
    } else if (language === 'yaml' || language === 'json') {
      expect(parse(code)).toBeTypeOf('object')
      if (about) await writeFile(join(at, about), code)
    } else expect(language).toMatch(/^(text)?$/)
  })
})

/** A port that nobody listens on. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
