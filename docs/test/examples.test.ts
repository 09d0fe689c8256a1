import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { syntheticDataset } from '@cflow/datasets'
import { encodePng } from '@cflow/datasets/node'
import { trainDetector } from '@cflow/trainer'
import type { Browser, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '@cflow/base/testing'
import { chromiumPath, launchChromium } from '../../apps/web/test/chromium.js'
import { workspace } from './blocks.js'

const here = join(workspace, 'examples')
const folder = await temporaryFolder('examples')
const model = join(folder, 'model.onnx')
const photos = join(folder, 'photos')

beforeAll(async () => {
  const { train } = syntheticDataset({ kind: 'mesh', size: 64, train: 14, test: 3 })
  const good = await Promise.all(train.map((sample) => sample.load()))
  const trained = await trainDetector(good, {
    ...{ method: 'patchcore', inputSize: 64, category: 'mesh', folds: 0 },
  })
  await writeFile(model, trained.model)
  await mkdir(photos)
  await writeFile(join(photos, 'good.png'), await encodePng(good[0]!))
  // with a red square that nobody overlooks
  const bad = await train[1]!.load()
  for (let y = 20; y < 44; y++)
    for (let x = 20; x < 44; x++) bad.data.set([220, 30, 30], 3 * (y * bad.width + x))
  await writeFile(join(photos, 'bad.png'), await encodePng(bad))
})

/** Node on a file of an example, in its folder; packages are those of the workspace. */
const tsx = pathToFileURL(join(workspace, 'node_modules/tsx/dist/loader.mjs')).href
const flags = ['--conditions=@cflow/source', '--import', tsx]

describe('node-script', () => {
  it('judges a folder', () => {
    const at = join(here, 'node-script')
    const args = [...flags, 'judge.mjs', model, photos]
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: at, encoding: 'utf8' })
    expect(stdout).toMatch(/^ANOMALOUS \S+ bad\.png\ngood +\S+ good\.png\n$/)
    expect(status).toBe(3)
  })
})

it('the pages have types', () => {
  const tsc = join(workspace, 'node_modules/typescript/bin/tsc')
  const config = join(workspace, 'docs/tsconfig.examples.json')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', config], { encoding: 'utf8' })
  expect(stdout).toBe('')
})

describe('fastify', () => {
  let child: ChildProcess | undefined
  afterAll(() => void child?.kill())

  it('judges what is sent, and refuses what is no image', async () => {
    const env = { ...process.env, MODEL: model, PORT: '0' }
    child = spawn(process.execPath, [...flags, 'server.mjs'], { cwd: join(here, 'fastify'), env })
    const [line] = (await once(child.stdout!, 'data')) as [Buffer]
    const url = /http:\S+/.exec(String(line))![0].replace('[::1]', '127.0.0.1')
    const judge = async (body: BodyInit) => {
      const headers = { 'content-type': 'image/png' }
      const response = await fetch(`${url}/judge`, { method: 'POST', body, headers })
      return [response.status, (await response.json()) as Record<string, unknown>] as const
    }
    const bad = await judge(new Uint8Array(await readFile(join(photos, 'bad.png'))))
    expect(bad).toEqual([200, expect.objectContaining({ anomalous: true })])
    const good = await judge(new Uint8Array(await readFile(join(photos, 'good.png'))))
    expect(good).toEqual([200, expect.objectContaining({ anomalous: false })])
    expect(await judge('nonsense')).toEqual([422, expect.objectContaining({ code: 'IMAGE' })])
  })
})

describe('python-client', () => {
  const python = [process.env['CFLOW_PYTHON'], 'python3', 'python']
    .filter((name) => name !== undefined)
    .find((name) => spawnSync(name, ['-c', 'import onnxruntime, numpy, PIL']).status === 0)

  it('judges a folder', ({ skip }) => {
    if (!python) {
      console.log('skipped: no Python with onnxruntime, numpy and pillow (CFLOW_PYTHON)')
      return skip()
    }
    const script = join(here, 'python-client', 'judge.py')
    const ran = spawnSync(python, [script, model, photos], { encoding: 'utf8' })
    expect(ran.stdout, ran.stderr).toMatch(/^ANOMALOUS \S+ bad\.png\ngood +\S+ good\.png\n$/)
    expect(ran.status).toBe(3)
  })
})

const chromium = chromiumPath()

describe.skipIf(!chromium)('pages', () => {
  let browser: Browser
  const sites: Server[] = []
  beforeAll(async () => {
    browser = await launchChromium(chromium!)
  })
  afterAll(async () => {
    await browser?.close()
    for (const site of sites) site.close()
  })

  /** An example, built and served, with the detector in it. */
  async function open(name: string): Promise<readonly [Page, Server]> {
    const root = join(here, name)
    const outDir = join(folder, name)
    await build({
      ...{ root, configFile: join(root, 'vite.config.ts'), logLevel: 'error' },
      resolve: { conditions: ['@cflow/source', 'module', 'browser', 'development|production'] },
      build: { outDir, emptyOutDir: true, minify: false },
    })
    await cp(model, join(outDir, 'model.onnx'))
    expect((await readdir(join(outDir, 'assets'))).some((file) => file.endsWith('.wasm'))).toBe(
      true,
    )
    const site = serve(outDir)
    sites.push(site)
    await once(site, 'listening')
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${(site.address() as { port: number }).port}/`)
    return [page, site]
  }

  const says = (page: Page, what: RegExp): Promise<unknown> =>
    page.getByText(what).first().waitFor({ timeout: 90_000 })
  const judges = async (page: Page): Promise<void> => {
    await says(page, /^ready$/)
    await page.setInputFiles('input', join(photos, 'bad.png'))
    await says(page, /^anomalous: /)
    await page.setInputFiles('input', join(photos, 'good.png'))
    await says(page, /^good: /)
  }

  it('vite-page judges, and draws the map', async () => {
    const [page] = await open('vite-page')
    await judges(page)
    expect(await page.locator('canvas').evaluate((c: HTMLCanvasElement) => c.width)).toBe(64)
  })

  it('react judges', async () => {
    const [page] = await open('react')
    await judges(page)
    await page.setInputFiles('input', join(here, 'README.md'))
    await says(page, /README|image/i)
  })

  it('service-worker goes on without a network', async () => {
    const [page, site] = await open('service-worker')
    await judges(page)
    site.closeAllConnections()
    site.close()
    await page.reload()
    await judges(page)
  })
})

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
}

function serve(root: string): Server {
  return createServer((request, response) => {
    const path = new URL(request.url!, 'http://host').pathname.replace(/\/$/, '/index.html')
    readFile(join(root, path)).then(
      (file) => {
        response.setHeader('content-type', types[extname(path)] ?? 'application/octet-stream')
        response.end(file)
      },
      () => response.writeHead(404).end(),
    )
  }).listen(0, '127.0.0.1')
}
