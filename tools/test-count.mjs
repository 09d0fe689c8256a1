import { relative, sep } from 'node:path'

/**
 * Counts of vitest's JSON results, in all and by project (the two first folders of a test's path). A file that could not
 * be run counts as one failure.
 * @param read gives the text of the results
 */
export function countTests(read, workspace) {
  const projects = {}
  const total = { passed: 0, failed: 0, skipped: 0 }
  const add = (project, outcome) => {
    total[outcome]++
    ;(projects[project] ??= { passed: 0, failed: 0, skipped: 0 })[outcome]++
  }
  for (const file of filesOf(read)) {
    const project = relative(workspace, file.name).split(sep).slice(0, 2).join('/')
    for (const { status } of file.assertionResults)
      add(project, status === 'passed' || status === 'failed' ? status : 'skipped')
    const isBroken = !file.assertionResults.some((t) => t.status === 'failed')
    if (file.status === 'failed' && isBroken) add(project, 'failed')
  }
  return { ...total, projects }
}

function filesOf(read) {
  try {
    return JSON.parse(read()).testResults
  } catch {
    return []
  }
}

/** The last line of a run. */
export const totalLine = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
