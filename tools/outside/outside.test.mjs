import { mkdtemp, readFile, readdir, rm, copyFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command, node, packAll, project, tool } from './projects.mjs'

/** Most that a page pays for loadDetector with the WASM runtime, gzipped, without the WASM file itself. */
const pageLimit = 120_000

const folder = await mkdtemp(join(tmpdir(), 'cflow-outside-'))
afterAll(() => rm(folder, { recursive: true, force: true }))
const tarballs = await packAll(join(folder, 'packed'))
const apps = ['@cflow/cli', '@cflow/server']
const libraries = [...tarballs.keys()].filter((name) => !apps.includes(name))

describe('the packages, as they are published', () => {
  it('are all that the workspace has', () => {
    expect(libraries).toContain('@cflow/detector')
    expect(tarballs.size).toBeGreaterThan(14)
  })

  it.each([...tarballs])('%s passes publint', async (name, tarball) => {
    const { buffer } = new Uint8Array(await readFile(tarball))
    const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
    // nothing of the workspace is left in what others read
    expect(JSON.stringify(pkg)).not.toMatch(/workspace:|catalog:|@cflow\/source|devDependencies/)
    expect(pkg).toMatchObject({ license: 'Apache-2.0', engines: { node: expect.any(String) } })
  })

  it.each([...tarballs])('%s has types where it has code', async (name, tarball) => {
    const bytes = new Uint8Array(await readFile(tarball))
    const { problems = [] } = await checkPackage(createPackageFromTarballData(bytes))
    // these are ESM: what resolves neither exports nor import() is not served
    const passed = ['node10', 'node16-cjs']
    expect(problems.filter(({ resolutionKind }) => !passed.includes(resolutionKind))).toEqual([])
  })

  it.each([...tarballs])('%s holds its licence and no tests', async (name, tarball) => {
    const packed = createPackageFromTarballData(new Uint8Array(await readFile(tarball)))
    const files = packed.listFiles().map((path) => path.split(`${name}/`).at(-1))
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
    expect(files.includes('NOTICE')).toBe(files.some((file) => file.startsWith('weights/')))
    // npm takes everything that is called readme
    const tests = files.filter((file) => /\.test\.|testing\.|tsbuildinfo/.test(file))
    expect(tests.filter((file) => !file.endsWith('readme.test.ts'))).toEqual([])
    for (const map of files.filter((file) => file.endsWith('.map')))
      expect(files).toContain(map.replace('dist/', 'src/').replace(/(\.d)?\.[jt]s\.map$/, '.ts'))
  })
})

/** A project that is installed before the tests of its `describe`; they are skipped where it cannot be. */
function installed(name, options) {
  const path = join(folder, name)
  let missing
  beforeAll(async () => {
    missing = await project(path, tarballs, options)
    if (missing) console.warn(`skipped: a project in ${name} cannot be installed here: ${missing}`)
  })
  return (title, test) =>
    it(title, async ({ skip }) => {
      if (missing) skip(missing)
      await test(path)
    })
}

describe('a project in Node', () => {
  const use = installed('node', {
    dependencies: [...tarballs.keys(), 'onnxruntime-node'],
    files: ['library.mjs', 'detect.mjs', 'common.cjs', 'typed.ts', 'typed-node.ts', 'zod.d.ts', 'tsconfig.node.json'], // prettier-ignore
  })

  for (const [title, file] of [
    ['computes metrics, and density and samples of a flow', 'library.mjs'],
    ['trains a detector on ten images, and detects', 'detect.mjs'],
    ['imports from CommonJS', 'common.cjs'],
  ])
    use(title, async (path) => expect(await node(file, path)).toBe('ok\n'))

  use('has types under nodenext, without the dom library', (path) =>
    tool('typescript/bin/tsc', ['-p', 'tsconfig.node.json'], path),
  )

  use('has the command', async (path) => {
    const bin = join(path, 'node_modules', '@cflow', 'cli', 'dist', 'main.js')
    expect(await command(process.execPath, [bin, '--help'], path)).toContain('train')
  })
})

describe('a project without a runtime', () => {
  const use = installed('bare', { dependencies: ['@cflow/detector'], files: ['bare.mjs'] })

  use('is told which one to install', async (path) => {
    await copyFile(join(folder, 'node', 'model.onnx'), join(path, 'model.onnx'))
    expect(await node('bare.mjs', path)).toBe('ok\n')
  })
})

describe('a page', () => {
  const use = installed('page', {
    dependencies: [...libraries, 'onnxruntime-web'],
    files: ['index.html', 'page.ts', 'train/index.html', 'train/train.ts', 'typed.ts', 'tsconfig.bundler.json'], // prettier-ignore
  })

  use('has types under bundler resolution', (path) =>
    tool('typescript/bin/tsc', ['-p', 'tsconfig.bundler.json'], path),
  )

  use('is built by Vite, and pays little', async (path) => {
    await tool('vite/bin/vite.js', ['build', '--target', 'es2022', '--manifest'], path)
    const built = join(path, 'dist')
    const chunks = JSON.parse(await readFile(join(built, '.vite', 'manifest.json'), 'utf8'))
    const assets = await readdir(join(built, 'assets'))
    expect(assets.filter((name) => name.endsWith('.wasm')).length).toBeGreaterThan(0)
    // other builds of onnxruntime-web come with the device that is asked for
    const isLoaded = ({ src = '' }) => !/webgpu|jspi/.test(src)
    const loaded = Object.values(chunks).filter(
      (chunk) => chunk.file.endsWith('.js') && isLoaded(chunk),
    )
    const sizes = await Promise.all(
      loaded.map(async ({ file }) => [file, gzipSync(await readFile(join(built, file))).length]),
    )
    const total = sizes.reduce((sum, [, size]) => sum + size, 0)
    console.log(`a page pays ${(total / 1000).toFixed(1)} kB gzipped for loadDetector`, sizes)
    expect(total).toBeLessThan(pageLimit)
  })

  use('that trains is built by Vite, with the weights beside it', async (path) => {
    await tool('vite/bin/vite.js', ['build', 'train', '--target', 'es2022'], path)
    const assets = join(path, 'train', 'dist', 'assets')
    const names = await readdir(assets)
    expect(names.filter((name) => name.endsWith('.safetensors'))).toHaveLength(1)
    for (const name of names.filter((name) => name.endsWith('.js')))
      expect(await readFile(join(assets, name), 'utf8')).not.toMatch(/node:fs/)
  })
})
