import type { Node, Value } from '../value.js'

/** Values that keep a name. */
export type Named = readonly (readonly [name: string, value: Value])[]

type ConstantNode = Extract<Node, { readonly kind: 'constant' }>

/** Names of values: outputs and inputs keep theirs, constants theirs made unique, the rest are numbered. */
export function namesOf(outputs: Named, order: readonly Node[]) {
  const names = new Map<Node, string[]>()
  const taken = new Set(order.flatMap((node) => (node.kind === 'input' ? node.name : [])))
  const small = new Map<string, string>()
  let count = 0
  const row = (node: Node): string[] => {
    const own = names.get(node) ?? []
    names.set(node, own)
    return own
  }
  const unique = (wanted: string): string => {
    let name = wanted
    for (let i = 1; taken.has(name); i++) name = `${wanted}_${i}`
    taken.add(name)
    return name
  }
  for (const [name, value] of outputs) {
    taken.add(name)
    row(value.node)[value.index] = name
  }
  return {
    /** Name a constant, before anything uses it; equal small ones share a name. */
    ofConstant(node: ConstantNode): { readonly name: string; readonly isNew: boolean } {
      const key = keyOf(node)
      const shared = key === undefined ? undefined : small.get(key)
      const name = shared ?? unique(node.name ?? 'c')
      row(node)[0] = name
      if (key !== undefined) small.set(key, name)
      return { name, isNew: shared === undefined }
    },
    of({ node, index }: Value): string {
      return node.kind === 'input' ? node.name : (row(node)[index] ??= unique(`v${count++}`))
    },
  }
}

/** Type, shape and elements of a small constant without a name. */
function keyOf({ name, tensor: { dtype, shape, data } }: ConstantNode): string | undefined {
  if (name !== undefined || data.length > 16) return undefined
  const text = (x: number | bigint) => (Object.is(x, -0) ? '-0' : String(x))
  return `${dtype}[${shape.join()}]${Array.from(data as ArrayLike<number | bigint>, text).join()}`
}
