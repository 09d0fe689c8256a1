import { floats } from '@cflow/base'
import * as g from '@cflow/graph'
import { expect, it } from 'vitest'
import { nodeRuntime } from './node.js'
import { webRuntime } from './web.js'

it.each([
  ['node', () => nodeRuntime()],
  ['web', () => webRuntime({ device: 'wasm' })],
])('%s: state is set and read in the order of the calls', async (_, make) => {
  const total = g.input('total', 'float32', [1])
  const x = g.input('x', 'float32', [1])
  const session = await (
    await make()
  ).createSession(g.writeOnnx({ next: g.add(total, x), seen: g.neg(total) }), {
    state: { next: 'total' },
  })
  const set = (v: number) => session.setState({ total: floats('float32', [1], [v]) })
  const add = (v: number) => session.run({ x: floats('float32', [1], [v]) })
  set(1)
  const a = add(2)
  const before = session.getState()
  set(10)
  const b = add(5)
  const after = session.getState()
  expect((await before)['total']?.data[0]).toBe(3)
  expect((await after)['total']?.data[0]).toBe(15)
  expect([(await a)['seen']?.data[0], (await b)['seen']?.data[0]]).toEqual([-1, -10])
  await session.release()
})
