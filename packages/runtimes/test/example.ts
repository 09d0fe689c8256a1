import { floats } from '@cflow/base'
import { add, exp, input, writeOnnx } from '@cflow/graph'
import { openRuntime } from '@cflow/runtimes'

const runtime = await openRuntime({ device: 'cpu', threads: 2 })

// any ONNX file; here a graph of our own
const x = input('x', 'float32', ['N', 2])
const session = await runtime.createSession(writeOnnx({ y: exp(x), z: add(x, x) }))
const { y } = await session.run({ x: floats('float32', [1, 2], [0, 1]) }, ['y'])
console.log(y?.shape, y?.data) // [1, 2] and 1, 2.718…; z is not copied out of the runtime
await session.release()

// what one run carries to the next stays where it is fastest: here a running total
const total = input('total', 'float32', [1])
const step = writeOnnx({ next: add(total, input('amount', 'float32', [1])) })
const account = await runtime.createSession(step, { state: { next: 'total' } })
account.setState({ total: floats('float32', [1], [100]) })
for (const amount of [20, 3]) await account.run({ amount: floats('float32', [1], [amount]) })
console.log((await account.getState())['total']?.data) // 123
await account.release()
