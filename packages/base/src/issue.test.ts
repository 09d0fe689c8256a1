import { expect, it } from 'vitest'
import { issueText, type SchemaIssue } from './issue.js'

const issue = (own: Partial<SchemaIssue>): SchemaIssue => ({
  message: 'Invalid input: expected …',
  path: ['a'],
  ...own,
})

it.each<[Partial<SchemaIssue>, unknown, string]>([
  [{ code: 'too_small', origin: 'int', minimum: 0 }, -1, 'needs a whole number of at least 0, got -1'],
  [{ code: 'too_small', origin: 'number', minimum: 0, inclusive: false }, 0, 'needs a number above 0, got 0'],
  [{ code: 'too_big', origin: 'number', maximum: 1, inclusive: false }, 1, 'needs a number below 1, got 1'],
  [{ code: 'too_small', origin: 'array', minimum: 1 }, [], 'needs 1 or more entries, got []'],
  [{ code: 'too_small', origin: 'string', minimum: 1 }, '', "is empty, got ''"],
  [{ code: 'invalid_type', expected: 'int' }, 'x', "needs a whole number, got 'x'"],
  [{ code: 'invalid_type', expected: 'boolean' }, 'yes', "needs true or false, got 'yes'"],
  [{ code: 'invalid_type', expected: 'number' }, undefined, 'is missing: it needs a number'],
  [{ code: 'invalid_value', values: ['paper', 'whitened'] }, 'whitend', "is one of paper, whitened, got 'whitend'; did you mean whitened?"],
  [{ code: 'invalid_union', errors: [[issue({ values: [1] })], [issue({ values: [2] })]] }, 3, 'is one of 1, 2, got 3'],
  [{ code: 'custom', message: 'only all: one scene is --scene NN' }, 'x', 'only all: one scene is --scene NN'],
])('words for %j', (own, value, text) => {
  const separator = own.code === 'custom' ? ':' : ''
  expect(issueText('--a', issue(own), value)).toBe(`--a${separator} ${text}`)
}) // prettier-ignore

it('names both bounds where the field has both', () => {
  const small = issue({ code: 'too_small', origin: 'number', minimum: 32 })
  expect(issueText('size', small, 3, { minimum: 32, maximum: 4096, integer: true })).toBe(
    'size needs a whole number from 32 to 4096, got 3',
  )
})
