// Sums vitest's JSON results. As a program it prints one line: N passed, N failed, N skipped.
import { readFileSync } from 'node:fs'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'

export function countTests(...files) {
  const sum = { passed: 0, failed: 0, skipped: 0 }
  for (const file of files) {
    const r = JSON.parse(readFileSync(file, 'utf8'))
    sum.passed += r.numPassedTests
    sum.failed += r.numFailedTests + (r.numFailedTestSuites > 0 && r.numFailedTests === 0 ? 1 : 0)
    sum.skipped += r.numPendingTests + r.numTodoTests
  }
  return sum
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed, skipped } = countTests(...argv.slice(2))
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
}
