import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openRuntime } from '../index.node.js'
import { notLoadable } from './onnxruntime-node.js'

it('says which device is missing', async () => {
  await expect(openRuntime({ device: 'tpu' })).rejects.toMatchObject({
    code: 'RUNTIME',
    subject: 'tpu',
  })
})

it('says so when a device is listed but its library is missing', async (context) => {
  const found = await openRuntime({ device: 'cuda' }).catch((error: unknown) => error)
  if (!(found instanceof Error)) return context.skip('this machine has CUDA')
  expect(found).toMatchObject({
    code: 'RUNTIME',
    subject: 'cuda',
    hint: expect.stringMatching(/./) as string,
  })
})

it('says why a library that is there does not load', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cflow-'))
  try {
    const broken = join(folder, 'broken.so')
    writeFileSync(broken, 'no library')
    expect(notLoadable(broken)).toContain('broken.so')
    expect(notLoadable(join(folder, 'none.so'))).toBeUndefined()
  } finally {
    rmSync(folder, { recursive: true })
  }
})
