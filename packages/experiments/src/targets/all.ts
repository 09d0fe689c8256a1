import { figure1 } from './figure1.js'
import { figure3 } from './figure3.js'
import { figure4 } from './figure4.js'
import { methodsTable } from './methods.js'
import { table1 } from './table1.js'
import { table2 } from './table2.js'
import { table3 } from './table3.js'
import { table4 } from './table4.js'
import { table5 } from './table5.js'
import { table6 } from './table6.js'
import type { Target } from './target.js'

/** Everything that can be computed again, in the order of the paper. */
export const targets = {
  ...{ table1, table2, table3, table4, table5, table6 },
  ...{ figure1, figure3, figure4 },
  methods: methodsTable,
} satisfies Readonly<Record<string, Target>>

export type TargetName = keyof typeof targets
export const targetNames = Object.keys(targets) as readonly TargetName[]

/** In the order of computing: first what needs no training, and quick comparisons before whole tables. */
export const inOrder = (names: readonly TargetName[]): readonly TargetName[] => {
  const first: readonly TargetName[] = ['table1', 'table6', 'figure1', 'methods']
  return [...first, ...targetNames.filter((n) => !first.includes(n))].filter((n) => names.includes(n)) // prettier-ignore
}
