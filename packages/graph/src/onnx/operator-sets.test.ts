import { describe, expect, it } from 'vitest'
import { outcomeOf } from '../../test/sweep.js'
import { standardOperators } from '../../test/standard-operators.js'

const operators = standardOperators()
const types = [...new Set(operators.map((o) => o.type))]

describe('every operator gives the numbers of the file as it was', () => {
  // tools/operator-sets.ts tries all sets and precisions
  it.each(types)('%s', async (type) => {
    const outcomes = []
    for (const operator of operators.filter((o) => o.type === type)) {
      const oldest = Math.max(operator.since, 7)
      const latest = Math.min(operator.until, Math.max(17, oldest))
      outcomes.push(await outcomeOf(operator, oldest, 'nothing'))
      if (latest > oldest) outcomes.push(await outcomeOf(operator, latest, 'shape'))
    }
    expect(outcomes.filter((o) => typeof o !== 'string')).toEqual([])
    expect(outcomes).toContain('same')
  })
})
