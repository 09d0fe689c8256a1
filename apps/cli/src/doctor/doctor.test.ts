import { floats } from '@cflow/base'
import { openRuntime, type Runtime, type Tensors } from '@cflow/runtimes'
import { expect, it } from 'vitest'
import { main } from '../cli.js'
import { examine } from './examine.js'
import { makeExample } from './example.js'

async function cflow(...argv: string[]) {
  let out = ''
  let err = ''
  const { signal } = new AbortController()
  const io = { out: (t: string) => (out += t), err: (t: string) => (err += t) }
  const code = await main(argv, { ...io, columns: undefined, env: {}, signal })
  return { code, out, err }
}

interface Document {
  readonly node: string
  readonly libraries: readonly { name: string; version: string | null; install?: string }[]
  readonly devices: readonly Record<string, unknown>[]
}

it('says what a device can do and how fast, as text and as JSON', async () => {
  const text = await cflow('doctor', '--seconds', '0.1', '--device', 'cpu')
  expect(text.code).toBe(0)
  expect(text.out).toMatch(/^Node +v\d+/)
  expect(text.out).toMatch(/^cpu +yes +yes +yes +[\d.]+ +\d+ +0e\+0$/m)
  const { out } = await cflow('doctor', '--seconds', '0.1', '--device', 'cpu', '--json')
  const found = JSON.parse(out) as Document
  expect(found.node).toBe(process.version)
  const [device] = found.devices
  expect(device).toMatchObject({ device: 'cpu', available: true, failures: {} })
  expect(device!['imagesPerSecond']).toBeGreaterThan(0)
  expect(device!['vectorsPerSecond']).toBeGreaterThan(0)
  for (const { version, install } of found.libraries)
    expect(version === null ? install : version).toMatch(version === null ? /^npm install / : /^\d/)
})

it('says what is missing, and the command that brings it', async () => {
  const { code, out } = await cflow('doctor', '--device', 'tfjs:webgpu')
  expect(code).toBe(1)
  expect(out).toContain('No device can be used.')
  expect(out).toMatch(/tfjs:webgpu: .*there is no WebGPU here\n +in Node there is tfjs:tensorflow/)
})

it('a device that gives other numbers can do nothing, and one that fails says at what', async () => {
  const example = await makeExample()
  const cpu = await openRuntime()
  const reference = {}
  const options = { signal: new AbortController().signal }
  const tried = (runtime: Runtime) => examine('x', example, reference, 1, options, () => Promise.resolve(runtime)) // prettier-ignore
  expect(await tried(cpu)).toMatchObject({ can: { detect: true, train: true, int8: true } })
  const wrong: Runtime = {
    ...cpu,
    async createSession(model, options) {
      const session = await cpu.createSession(model, options)
      return {
        ...session,
        async run(feeds, outputs): Promise<Tensors> {
          const results = await session.run(feeds, outputs)
          const off = Object.entries(results).map(([name, t]) => [name, floats('float32', t.shape, Float32Array.from(t.data as Float32Array, (v) => 1.1 * v))]) // prettier-ignore
          return Object.fromEntries(off) as Tensors
        },
      }
    },
  }
  const found = await tried(wrong)
  expect(found.can).toEqual({ detect: false, train: false, int8: false })
  expect(found.failures['detect']).toMatch(/gives the score \S+ where it is \S+/)
  expect(found.failures['train']).toMatch(/gives the loss/)
  const failing: Runtime = { ...cpu, createSession: () => Promise.reject(new Error('no memory')) }
  expect((await tried(failing)).failures).toMatchObject({ detect: 'no memory', train: 'no memory' })
})
