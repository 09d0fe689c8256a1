// npm run verify: format, lint, types, build and every test; the last line says how many passed.
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { install, workspace } from './install.mjs'
import { run } from './run.mjs'
import { countTests, totalLine } from './test-count.mjs'

await install()

const nx = (...targets) => ['nx', 'run-many', '-t', ...targets, '--parallel=2']
const results = join(workspace, 'test-results', 'vitest.json')
rmSync(results, { force: true })
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`]

/** Every check runs, also after one that failed. */
const checks = {
  format: ['prettier', '--check', '.'],
  lint: nx('lint'),
  'types and build': nx('build', 'typecheck'),
  'project references': ['nx', 'sync:check'],
  tests: ['vitest', 'run', ...reporters],
}
const failedChecks = []
for (const [name, args] of Object.entries(checks)) {
  console.log(`\n== ${name}`)
  const { code } = await run('npx', ['--no-install', ...args])
  if (code !== 0) failedChecks.push(name)
}

const count = countTests(() => readFileSync(results, 'utf8'), workspace)
console.log()
for (const [project, { passed, failed, skipped }] of Object.entries(count.projects))
  console.log(`${project.padEnd(22)} ${passed} passed, ${failed} failed, ${skipped} skipped`)
for (const name of failedChecks) console.log(`failed: ${name}`)
// a check without tests of its own counts as one failure
const others = failedChecks.filter((name) => name !== 'tests').length
const silent = failedChecks.includes('tests') && count.failed === 0 ? 1 : 0
const failed = count.failed + others + silent
console.log(totalLine({ ...count, failed }))
process.exit(failed > 0 ? 1 : 0)
