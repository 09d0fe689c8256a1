// Before a package is packed: remove from its dist what was built from sources that are no longer there.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const suffix = /(\.d)?\.[jt]s(\.map)?$/
for (const file of readdirSync('dist', { recursive: true }))
  if (suffix.test(file) && !existsSync(join('src', file.replace(suffix, '.ts'))))
    rmSync(join('dist', file))
