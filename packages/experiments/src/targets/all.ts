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

/** Everything that can be computed again: first what needs no training. */
export const targets: readonly Target[] = [
  table1,
  table6,
  figure1,
  methodsTable,
  table2,
  table3,
  table4,
  table5,
  figure3,
  figure4,
]
