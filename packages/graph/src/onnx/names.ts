import type { Node, Value } from '../value.js'

/** Names of values: outputs and inputs keep theirs, constants theirs made unique, the rest are numbered. */
export class Names {
  readonly #names = new Map<Node, string[]>()
  readonly #taken = new Set<string>()
  readonly #small = new Map<string, string>()
  #count = 0

  constructor(outputs: readonly (readonly [string, Value])[], order: readonly Node[]) {
    for (const node of order) if (node.kind === 'input') this.#taken.add(node.name)
    for (const [name, value] of outputs) {
      this.#taken.add(name)
      this.#row(value.node)[value.index] = name
    }
  }

  #row(node: Node): string[] {
    let row = this.#names.get(node)
    if (!row) this.#names.set(node, (row = []))
    return row
  }

  #unique(wanted: string): string {
    let name = wanted
    for (let i = 1; this.#taken.has(name); i++) name = `${wanted}_${i}`
    this.#taken.add(name)
    return name
  }

  /** Name of a constant; equal small constants share one. */
  ofConstant(node: Extract<Node, { kind: 'constant' }>): { name: string; isNew: boolean } {
    const row = this.#row(node)
    if (row[0]) return { name: row[0], isNew: false }
    const { tensor } = node
    const key =
      node.name === undefined && tensor.data.length <= 16
        ? `${tensor.dtype}[${tensor.shape.join(',')}]${Array.from(tensor.data as ArrayLike<number | bigint>, (x) => (Object.is(x, -0) ? '-0' : String(x))).join(',')}`
        : undefined
    const shared = key === undefined ? undefined : this.#small.get(key)
    if (shared) {
      row[0] = shared
      return { name: shared, isNew: false }
    }
    row[0] = this.#unique(node.name ?? 'c')
    if (key !== undefined) this.#small.set(key, row[0])
    return { name: row[0], isNew: true }
  }

  of(value: Value): string {
    if (value.node.kind === 'input') return value.node.name
    const row = this.#row(value.node)
    return (row[value.index] ??= this.#unique(`v${this.#count++}`))
  }
}
