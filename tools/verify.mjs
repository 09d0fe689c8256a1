// npm run verify: format, lint, unused exports, types, build and every test; the last line says how many passed. Needs only Node and npm.
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { countTests, totalLine } from './test-count.mjs'
import { install, root, run } from './workspace.mjs'

install()

const nx = (...targets) => ['nx', 'run-many', '-t', ...targets, '--parallel=2']
const results = join(root, 'test-results', 'vitest.json')
rmSync(results, { force: true })
const checks = {
  format: ['prettier', '--check', '.'],
  lint: nx('lint'),
  exports: ['knip', '--tsConfig', 'tsconfig.lib.json'],
  build: nx('build', 'typecheck'),
  references: ['nx', 'sync:check'],
  tests: ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`],
}
// every check runs, also after one that failed
const failedChecks = Object.entries(checks)
  .filter(([, args]) => run('npx', ['--no-install', ...args], { check: false }) !== 0)
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
