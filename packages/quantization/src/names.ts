import { CflowError } from '@cflow/base'

/**
 * The names that patterns choose; `*` stands for any text.
 * @throws CflowError NOT_FOUND, listing the names, for a pattern that chooses none
 */
export function selected(
  patterns: readonly string[],
  names: readonly string[],
): ReadonlySet<string> {
  const chosen = new Set<string>()
  for (const pattern of patterns) {
    const source = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
    const expression = new RegExp(`^${source.join('.*')}$`)
    const matches = names.filter((name) => expression.test(name))
    if (matches.length === 0)
      throw new CflowError('NOT_FOUND', `the detector has no layer ${pattern}`, {
        subject: pattern,
        hint: `its layers are ${names.join(', ')}`,
      })
    for (const name of matches) chosen.add(name)
  }
  return chosen
}
