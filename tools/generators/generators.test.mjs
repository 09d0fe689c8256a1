import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs' // prettier-ignore
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const workspace = join(import.meta.dirname, '../..')
const generators = createRequire(import.meta.url)('./generators.cjs')

/** One thing of each kind, and the tests that are over it then. */
const things = {
  operator: ['soft-sign', 'graph', ['src/operators/soft-sign', 'src/gradient']],
  encoder: ['pocket-net', 'encoders', ['src/registry']],
  dataset: ['work-pieces', 'datasets', ['src/node/drivers']],
  runtime: ['own-runtime', 'runtimes', ['src/contract', 'src/tfjs/operators']],
  method: ['mean-distance', 'methods', ['src/methods.test']],
  command: ['say-hello', 'cli', ['test/say-hello']],
}

/** A copy of the sources that has this workspace's packages of others. */
const copy = mkdtempSync(join(tmpdir(), 'cflow-generators-'))
afterAll(() => rmSync(copy, { recursive: true, force: true }))
const written = new Set()
const tree = {
  exists: (path) => existsSync(join(copy, path)),
  read: (path) => readFileSync(join(copy, path), 'utf8'),
  write(path, text) {
    mkdirSync(dirname(join(copy, path)), { recursive: true })
    writeFileSync(join(copy, path), text)
    written.add(path)
  },
}

beforeAll(async () => {
  for (const name of readdirSync(workspace))
    if (/^(packages|apps)$|\.(json|jsonc|js|ts|yaml)$|^\.prettierrc$/.test(name))
      cpSync(join(workspace, name), join(copy, name), {
        recursive: true,
        // links between packages are relative, so that they lead to the copy
        verbatimSymlinks: true,
        filter: (path) =>
          !/[/\\](dist|out-tsc|test-results)$|apps[/\\]web[/\\]generated$/.test(path),
      })
  symlinkSync(join(workspace, 'node_modules'), join(copy, 'node_modules'), 'dir')
  for (const [kind, [name]] of Object.entries(things)) await generators[kind](tree, { name })
})

async function run(tool, ...args) {
  const bin = join(workspace, 'node_modules', tool)
  const { VITEST, NODE_ENV, ...rest } = process.env
  const env = { ...rest, NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false' }
  const options = { cwd: copy, env, maxBuffer: 2 ** 26 }
  return promisify(execFile)(process.execPath, [bin, ...args], options).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }) => {
      throw new Error(`${stdout}${stderr}`.slice(0, 10_000))
    },
  )
}

it('refuses what is there, and what is no name', async () => {
  await expect(generators.method(tree, { name: 'mean-distance' })).rejects.toThrow('there already')
  await expect(generators.method(tree, { name: 'MyMethod' })).rejects.toThrow('no name')
})

it('offers to Nx what it has', () => {
  const { generators: offered } = JSON.parse(readFileSync(join(import.meta.dirname, 'generators.json'), 'utf8')) // prettier-ignore
  expect(Object.keys(offered).sort()).toEqual(Object.keys(generators).sort())
})

describe('what is generated', () => {
  it('is formatted', () => run('prettier/bin/prettier.cjs', '--check', ...written))

  it('passes lint', async () => {
    const sources = [...written].filter((path) => path.endsWith('.ts'))
    const found = await run('eslint/bin/eslint.js', '--format', 'json', ...sources)
    expect(
      JSON.parse(found.slice(found.indexOf('[{'))).flatMap(({ messages }) => messages),
    ).toEqual([])
  })

  it('has types', async () => {
    const config = { extends: './tsconfig.base.json' }
    const compilerOptions = { composite: false, noEmit: true, emitDeclarationOnly: false, declarationMap: false, erasableSyntaxOnly: false, types: ['node'] } // prettier-ignore
    tree.write('tsconfig.generated.json', JSON.stringify({ ...config, compilerOptions, include: ['packages/*/src/**/*.d.ts'], files: [...written].filter((path) => path.endsWith('.ts')) })) // prettier-ignore
    await run('typescript/bin/tsc', '-p', 'tsconfig.generated.json')
  })

  it('passes the tests that are over it', async () => {
    const config = `import { defineConfig } from 'vitest/config'
export default defineConfig({ test: { projects: ['{packages,apps}/*/vitest.config.ts'] } })`
    writeFileSync(join(copy, 'vitest.config.ts'), config)
    const projects = Object.values(things).flatMap(([, project]) => ['--project', project])
    const files = Object.values(things).flatMap(([, , tests]) => tests)
    const out = await run('vitest/vitest.mjs', 'run', '--reporter=json', ...projects, ...files)
    const { testResults } = JSON.parse(out.slice(out.indexOf('{"num')))
    for (const [name, project, tests] of Object.values(things))
      for (const test of tests)
        expect(testResults.some((r) => r.name.includes(project) && r.name.includes(test)), name).toBe(true) // prettier-ignore
  })
})
