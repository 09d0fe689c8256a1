// npm run verify: format, lint, unused exports, types, build and every test; a line for each, and the last one says how many
// passed. What the checks print goes into test-results/verify/NAME.log; the end of it is shown where one fails. Needs only
// Node and npm.
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { countTests, totalLine } from './test-count.mjs'
import { install, logged, root } from './workspace.mjs'

install()

const nx = (...targets) => [
  'nx',
  'run-many',
  '-t',
  ...targets,
  '--parallel=2',
  '--output-style=static',
]
const logs = join(root, 'test-results', 'verify')
const results = join(root, 'test-results', 'vitest.json')
rmSync(results, { force: true })
rmSync(logs, { recursive: true, force: true })
mkdirSync(logs, { recursive: true })
const checks = {
  format: ['prettier', '--check', '.'],
  lint: nx('lint'),
  exports: ['knip', '--tsConfig', 'tsconfig.lib.json'],
  build: nx('build', 'typecheck'),
  references: ['nx', 'sync:check'],
  tests: ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`],
}
/** Lines of a failed check's output that are shown. */
const shown = 60

// every check runs, also after one that failed
const failedChecks = Object.entries(checks)
  .filter(([name, args]) => {
    process.stdout.write(`${name.padEnd(12)}`)
    const began = Date.now()
    const log = join(logs, `${name}.log`)
    const code = logged('npx', ['--no-install', ...args], log)
    const seconds = ((Date.now() - began) / 1000).toFixed(0)
    console.log(`${code === 0 ? 'ok' : 'FAILED'}  ${seconds} s`)
    if (code === 0) return false
    console.log(readFileSync(log, 'utf8').trimEnd().split('\n').slice(-shown).join('\n'))
    console.log(`(all of it: ${log})\n`)
    return true
  })
  .map(([name]) => name)

const count = countTests(() => readFileSync(results, 'utf8'), root)
console.log()
for (const [project, { passed, failed, skipped }] of Object.entries(count.projects))
  console.log(`${project.padEnd(22)} ${passed} passed, ${failed} failed, ${skipped} skipped`)
for (const name of failedChecks) console.log(`failed: ${name}`)
// a failed check counts as one failure, unless its failed tests are counted already
const failures = failedChecks.filter((name) => name !== 'tests' || count.failed === 0)
const failed = count.failed + failures.length
console.log(totalLine({ ...count, failed }))
process.exit(failed > 0 ? 1 : 0)
