import { floats } from '@cflow/base'
import { expect, it } from 'vitest'
import * as g from '../index.js'

it('reads the graph that an operator holds, its inputs and outputs in order', () => {
  const [total, x] = [g.input('total', 'float32', [2]), g.input('x', 'float32', [2])]
  const next = g.add(g.mul(total, g.constant(floats('float32', [2], [2, 3]))), x)
  const { outputs, opsets } = g.readOnnx(g.writeScan({ next, seen: g.sub(total, x) }, { next: 'total' })) // prettier-ignore
  const { node } = outputs['seen']!
  if (node.kind !== 'operator') throw new Error('not an operator')
  const body = g.readInner(node.attributes['body'], opsets)
  expect(Object.keys(body.inputs)).toEqual(['round/total', 'round/x'])
  expect(Object.keys(body.outputs)).toEqual(['round/next', 'round/seen'])
  expect(body.outputs['round/next']).toMatchObject({ dtype: 'float32', shape: [2] })
  expect(() => g.readInner(node.attributes['num_scan_inputs'], opsets)).toThrow(/lacks its inner graph/) // prettier-ignore
  expect(() => g.readInner(undefined, opsets)).toThrow(/lacks its inner graph/)
})
