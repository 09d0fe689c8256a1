import { floats, type Tensor } from '@cflow/base'
import { add, neg, type Value } from '@cflow/graph'
import { logDeterminantName, numbersOf } from './transform.js'
import type { Mapped, Parameters, Transform, Values } from './transform.js'

/** A transform within a composition. */
export interface Part {
  /** Goes before the names of its parameters, with a dot; empty for none. */
  readonly name: string
  /** The same once it is folded; `name` when absent. */
  readonly foldedName?: string
  readonly transform: Transform
}

const join = (name: string, own: string): string =>
  name === '' || own === '' ? name + own : `${name}.${own}`

const within =
  (values: Values, name: string): Values =>
  (own) =>
    values(join(name, own))

const named = (parameters: Iterable<readonly [string, Tensor]>, name: string) =>
  [...parameters].map(([own, t]) => [join(name, own), t] as const)

/** A part's own parameters, by their names in it. */
const ownOf = (parameters: Parameters, { name }: Part): Parameters =>
  new Map(
    [...parameters].flatMap(([key, t]) => {
      if (name === '') return [[key, t] as const]
      return key.startsWith(`${name}.`) ? [[key.slice(name.length + 1), t] as const] : []
    }),
  )

/** Transforms one after the other, as one. */
export interface Composition extends Transform {
  readonly parts: readonly Part[]
}

/** The parts of a composition in place of itself. */
function flat(part: Part): readonly Part[] {
  const { name, foldedName = name, transform } = part
  if (!('parts' in transform)) return [part]
  return (transform as Composition).parts.map((p) => ({
    name: join(name, p.name),
    foldedName: join(foldedName, p.foldedName ?? p.name),
    transform: p.transform,
  }))
}

/** One after the other: the first part comes first in `forward`, and last in `inverse`. */
export function compose(given: readonly Part[]): Composition {
  const parts = given.flatMap(flat)
  const { depth } = (parts[0] as Part).transform
  const along = (
    order: readonly Part[],
    start: Value,
    map: (part: Part, value: Value) => Mapped,
  ): Mapped =>
    order.reduce<Mapped>(
      (before, part) => {
        const { value, logDeterminant: own } = map(part, before.value)
        const sum = before.logDeterminant
        return { value, logDeterminant: sum && own ? add(sum, own) : (sum ?? own) }
      },
      { value: start },
    )
  return {
    parts,
    depth,
    shapes: parts.flatMap(({ name, transform }) =>
      transform.shapes.map(([own, shape]) => [join(name, own), shape] as const),
    ),
    initial: (random, dtype) =>
      new Map(parts.flatMap((p) => named(p.transform.initial(random, dtype), p.name))),
    fixed: (random, dtype) =>
      new Map(parts.flatMap((p) => named(p.transform.fixed?.(random, dtype) ?? [], p.name))),
    forward: (x, values, rows) =>
      along(parts, x, (p, v) => p.transform.forward(v, within(values, p.name), rows)),
    inverse: (y, values, rows) =>
      along(parts.toReversed(), y, (p, v) => p.transform.inverse(v, within(values, p.name), rows)),
    fold: {
      transform: (map) =>
        compose([
          ...parts.map(({ name, foldedName = name, transform }) => ({
            name: foldedName,
            transform: transform.fold?.transform(map) ?? transform,
          })),
          { name: '', transform: volume(depth) },
        ]),
      parameters(all, map) {
        const folded = new Map<string, Tensor>()
        let sum = 0
        for (const part of parts) {
          const own = ownOf(all, part)
          const { foldedName = part.name, transform } = part
          for (const [name, t] of transform.fold?.parameters(own, map) ?? own)
            if (name !== logDeterminantName) folded.set(join(foldedName, name), t)
            else sum += numbersOf(new Map([[name, t]]), name)[0] as number
        }
        return folded.set(logDeterminantName, floats('float32', [], [sum]))
      },
    },
  }
}

/** Nothing but a constant log-determinant. */
const volume = (depth: number): Transform => ({
  depth,
  shapes: [],
  initial: () => new Map(),
  forward: (value, values) => ({ value, logDeterminant: values(logDeterminantName) }),
  inverse: (value, values) => ({ value, logDeterminant: neg(values(logDeterminantName)) }),
})
