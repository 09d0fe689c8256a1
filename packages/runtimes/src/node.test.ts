import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { contract } from './contract.js'
import { physicalCores } from './cores.js'
import { nodeRuntime } from './node.js'

describe('onnxruntime-node', () => {
  for (const t of contract) it(t.name, async () => t.run(await nodeRuntime()))

  it('says which device is missing', async () => {
    await expect(nodeRuntime({ device: 'tpu' })).rejects.toMatchObject({
      code: 'RUNTIME',
      subject: 'tpu',
    })
  })

  it('says so when a device is listed but its library is missing', async (context) => {
    const found = await nodeRuntime({ device: 'cuda' }).catch((error: unknown) => error)
    if (!(found instanceof Error)) return context.skip('this machine has CUDA')
    expect(found).toMatchObject({
      code: 'RUNTIME',
      subject: 'cuda',
      hint: expect.stringMatching(/./) as string,
    })
  })
})

describe('physicalCores', () => {
  it('counts cores, not their threads, and no more than the process may use', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'cflow-cores-'))
    const cpu = async (n: number, siblings: string) => {
      await mkdir(join(dir, `cpu${n}`, 'topology'), { recursive: true })
      await writeFile(join(dir, `cpu${n}`, 'topology', 'thread_siblings_list'), `${siblings}\n`)
    }
    try {
      await mkdir(join(dir, 'cpufreq'))
      await cpu(0, '0,1')
      await cpu(1, '0,1')
      expect(physicalCores(dir)).toBe(1)
      for (let n = 2; n < 4098; n += 64) await cpu(n, String(n))
      expect(physicalCores(dir)).toBe(Math.min(65, availableParallelism()))
    } finally {
      await rm(dir, { recursive: true })
    }
    expect(physicalCores(join(dir, 'gone'))).toBe(availableParallelism())
  })
})
