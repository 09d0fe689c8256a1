import { join } from 'node:path'
import { expect, it } from 'vitest'
import { reports } from '../tools/report.js'
import { workspace } from '../tools/surface.js'

const surface = reports()

it('reads every package', () => {
  expect(surface.size).toBeGreaterThan(14)
  expect(surface.get('detector')).toContain('loadDetector')
})

it.each([...surface])('%s exports what its api.md says', async (name, report) => {
  expect(report).not.toMatch(/: any\b(?! extends)/)
  await expect(report).toMatchFileSnapshot(join(workspace, 'packages', name, 'api.md'))
})
