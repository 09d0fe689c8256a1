import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { temporaryFolder } from '@cflow/base/testing'
import { expect, it } from 'vitest'
import { cpuQuota, physicalCores } from './cores.js'

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
  expect(physicalCores(dir, Infinity)).toBe(1)
  for (let n = 2; n < 4098; n += 64) await cpu(n, String(n))
  expect(physicalCores(dir, Infinity)).toBe(Math.min(65, availableParallelism()))
  expect(physicalCores(join(dir, 'gone'), Infinity)).toBe(availableParallelism())
})

it('counts no more than the share of the processors that a container has', () => {
  for (const [quota, cores] of [
    [0.5, 1],
    [1, 1],
    [1.9, 1],
  ] as const)
    expect(physicalCores('/not/there', quota)).toBe(cores)
  expect(physicalCores('/not/there', 1e6)).toBe(availableParallelism())
})

it('reads the limits of the control group and of those above it, in both versions', async () => {
  const dir = await temporaryFolder('cgroups')
  const file = async (path: string, text: string) => {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), `${text}\n`)
  }
  const quota = (version: string) => cpuQuota(join(dir, version), join(dir, version, 'own'))
  await file('two/own', '0::/pod/box')
  expect(quota('two')).toBe(Infinity)
  await file('two/pod/box/cpu.max', 'max 100000')
  expect(quota('two')).toBe(Infinity)
  await file('two/pod/cpu.max', '250000 100000')
  expect(quota('two')).toBe(2.5)
  await file('two/pod/box/cpu.max', '150000 100000')
  expect(quota('two')).toBe(1.5)
  // as a container sees it: the path is the host's, the limit lies at the root
  await file('inside/own', '0::/../host/path')
  await file('inside/cpu.max', '200000 100000')
  expect(quota('inside')).toBe(2)
  await file('one/own', '5:memory:/box\n4:cpu,cpuacct:/box')
  await file('one/cpu,cpuacct/box/cpu.cfs_quota_us', '-1')
  await file('one/cpu,cpuacct/box/cpu.cfs_period_us', '100000')
  expect(quota('one')).toBe(Infinity)
  await file('one/cpu,cpuacct/box/cpu.cfs_quota_us', '300000')
  expect(quota('one')).toBe(3)
  expect(cpuQuota(join(dir, 'gone'), join(dir, 'gone'))).toBe(Infinity)
})
