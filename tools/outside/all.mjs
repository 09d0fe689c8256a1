// npm run outside [-- --all [--only Next.js]]: the packed packages in projects on other Nodes, with other bundlers, and on other engines. Each is
// fetched from a registry; what cannot be is left out, with the reason. Without --all, this Node only.
import { mkdtemp, readdir, rm, writeFile, mkdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command, packAll, project } from './projects.mjs'

const all = process.argv.includes('--all')
const only = process.argv.includes('--only') ? process.argv.at(-1) : undefined
const folder = await mkdtemp(join(tmpdir(), 'cflow-outside-'))
const rows = []
let failed = 0

/** One thing that is tried: what it says, or why not. */
async function attempt(what, work) {
  if (only !== undefined && !what.startsWith(only)) return
  const began = Date.now()
  let result
  try {
    result = (await work()) ?? 'ok'
  } catch (error) {
    failed++
    result = `FAILED: ${error.message}`
  }
  rows.push([what, result.split('\n')[0], `${((Date.now() - began) / 1000).toFixed(0)} s`])
  console.log(rows.at(-1).join('  '))
  if (result.startsWith('FAILED')) console.log(result)
}

/** A tool of a registry, in a folder of its own, with its package's install script where that fetches the program. */
async function fetched(name, version, { scripts = false } = {}) {
  const at = join(folder, `tool-${name.replaceAll('/', '-')}-${version}`)
  await mkdir(at, { recursive: true })
  await writeFile(join(at, 'package.json'), JSON.stringify({ private: true, dependencies: { [name]: version } })) // prettier-ignore
  await command('npm', ['install', '--no-audit', '--no-fund', '--silent', ...(scripts ? [] : ['--ignore-scripts'])], at) // prettier-ignore
  return at
}

const unreachable = /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|E404|ENOTCACHED/
const orWhy = async (work) => {
  try {
    return [await work()]
  } catch (error) {
    const line = error.message.split('\n').find((l) => unreachable.test(l))
    if (line === undefined) throw error
    return [undefined, `left out: ${line.trim()}`]
  }
}

try {
  const tarballs = await packAll(join(folder, 'packed'))
  const node = join(folder, 'node')
  const uses = ['library.mjs', 'detect.mjs', 'common.cjs']
  const missing = await project(node, tarballs, {
    dependencies: [...tarballs.keys(), 'onnxruntime-node'],
    files: uses,
  })
  const runsAll = async (program, args = []) => {
    if (missing) return `left out: ${missing}`
    for (const file of uses)
      if ((await command(program, [...args, file], node)) !== 'ok\n') throw new Error(file)
  }
  await attempt(`Node ${process.version}`, () => runsAll(process.execPath))

  if (all) {
    for (const version of ['20', '22', '24'])
      await attempt(`Node ${version}`, async () => {
        // the package `node` links its program by a script; the program lies in node-bin-…, or node-PLATFORM-ARCH
        const [at, why] = await orWhy(() => fetched('node', version, { scripts: true }))
        if (why) return why
        const program = join(at, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node') // prettier-ignore
        const said = (await command(program, ['--version'], at)).trim()
        return (await runsAll(program)) ?? `ok, ${said}`
      })

    for (const [engine, args] of [
      ['bun', ['run']],
      ['deno', ['run', '-A', '--node-modules-dir=manual']],
    ])
      await attempt(engine, async () => {
        const [at, why] = await orWhy(() => fetched(engine, 'latest', { scripts: true }))
        if (why) return why
        const bin = join(at, 'node_modules/.bin', engine)
        const said = (await command(bin, ['--version'], at)).trim().split('\n')[0]
        return (await runsAll(bin, args)) ?? `ok, ${said}`
      })

    const page = join(folder, 'page')
    const lacking = await project(page, tarballs, {
      dependencies: ['@cflow/detector', 'onnxruntime-web'],
      files: ['page.ts', 'index.html'],
    })
    await attempt('webpack', async () => {
      if (lacking) return `left out: ${lacking}`
      const [at, why] = await orWhy(() => fetched('webpack', '5'))
      if (why) return why
      const source = (await readFile(join(page, 'page.ts'), 'utf8')).replaceAll(/!(?=[.[\n)])/g, '')
      await writeFile(join(page, 'page.mjs'), source)
      const build = `const webpack = require(${JSON.stringify(join(at, 'node_modules/webpack'))})
webpack({
  mode: 'production', context: ${JSON.stringify(page)}, entry: './page.mjs',
  output: { path: ${JSON.stringify(join(page, 'webpack'))}, publicPath: 'auto' },
  experiments: { topLevelAwait: true },
}, (error, stats) => {
  if (error || stats.hasErrors()) { console.error(error ?? stats.toString({ all: false, errors: true })); process.exit(1) }
})`
      await writeFile(join(page, 'build.cjs'), build)
      await command(process.execPath, ['build.cjs'], page)
      const made = await readdir(join(page, 'webpack'))
      if (!made.some((name) => name.endsWith('.wasm'))) throw new Error(`no WASM file in ${made}`)
      return `ok, ${made.length} files`
    })
    await attempt('Next.js', async () => {
      const next = join(folder, 'next')
      const [at, why] = await orWhy(async () => {
        const lacks = await project(next, tarballs, {
          dependencies: ['@cflow/detector', 'onnxruntime-web'],
          others: { next: 'latest', react: 'latest', 'react-dom': 'latest' },
          files: [],
        })
        if (lacks) throw new Error(lacks)
        return next
      })
      if (why) return why
      await mkdir(join(at, 'app'))
      // what a server renders does not look into them: there they would want onnxruntime-node
      await writeFile(join(at, 'next.config.mjs'), `export default { serverExternalPackages: ['@cflow/detector', '@cflow/runtimes'] }\n`) // prettier-ignore
      await writeFile(join(at, 'app/layout.js'), `export default function Layout({ children }) { return <html><body>{children}</body></html> }\n`) // prettier-ignore
      await writeFile(join(at, 'app/page.js'), `'use client'
import { useState } from 'react'
export default function Page() {
  const [said, say] = useState('')
  const judge = async ({ target }) => {
    const { loadDetector } = await import('@cflow/detector')
    const detector = await loadDetector('/model.onnx', { device: 'wasm' })
    say(String((await detector.detect(target.files[0])).anomalous))
  }
  return <><input type="file" onChange={judge} /><output>{said}</output></>
}
`) // prettier-ignore
      await command(process.execPath, ['node_modules/next/dist/bin/next', 'build'], at)
      return `ok, ${JSON.parse(await readFile(join(at, 'node_modules/next/package.json'), 'utf8')).version}` // prettier-ignore
    })
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
console.log(`\n${rows.length - failed} of ${rows.length} passed or left out, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
