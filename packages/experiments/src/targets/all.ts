import { methodsTable } from './methods.js'
import { table1 } from './table1.js'
import { table2 } from './table2.js'
import { table3 } from './table3.js'
import { table4 } from './table4.js'
import { table5 } from './table5.js'
import type { Target } from './target.js'

/** Everything that can be computed again, in the order of the paper. */
export const targets: readonly Target[] = [
  table1,
  table2,
  table3,
  table4,
  table5,
  methodsTable,
]
