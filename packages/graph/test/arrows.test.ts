import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../src', import.meta.url))

it('imports inside the package point one way', () => {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => join(root, file))
  const imports = new Map(
    files.map((file) => {
      const found = readFileSync(file, 'utf8').matchAll(/ from '(\.[^']*)\.js'/g)
      return [file, Array.from(found, ([, path]) => join(dirname(file), `${path}.ts`))]
    }),
  )
  const done = new Set<string>()
  const visit = (file: string, above: readonly string[]) => {
    expect(above, `a circle through ${file}`).not.toContain(file)
    if (done.has(file)) return
    for (const next of imports.get(file)!) visit(next, [...above, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  expect(done.size).toBeGreaterThan(20)
})
