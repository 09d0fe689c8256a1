import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { temporaryFolder } from '@cflow/base/testing'
import { expect, it } from 'vitest'
import { physicalCores } from './node.js'

it('counts cores, not their threads, and no more than the process may use', async () => {
  const dir = await temporaryFolder('cores')
  const cpu = async (n: number, siblings: string) => {
    await mkdir(join(dir, `cpu${n}`, 'topology'), { recursive: true })
    await writeFile(join(dir, `cpu${n}`, 'topology', 'thread_siblings_list'), `${siblings}\n`)
  }
  await mkdir(join(dir, 'cpufreq'))
  // switched off: no topology
  await mkdir(join(dir, 'cpu9999'))
  await cpu(0, '0,1')
  await cpu(1, '0,1')
  expect(physicalCores(dir)).toBe(1)
  for (let n = 2; n < 4098; n += 64) await cpu(n, String(n))
  expect(physicalCores(dir)).toBe(Math.min(65, availableParallelism()))
  expect(physicalCores(join(dir, 'gone'))).toBe(availableParallelism())
})
