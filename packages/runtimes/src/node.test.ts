import { describe, expect, it } from 'vitest'
import { contract } from './contract.js'
import { nodeRuntime } from './node.js'

describe('onnxruntime-node', () => {
  for (const t of contract) it(t.name, async () => t.run(await nodeRuntime()))

  it('says which device is missing', async () => {
    await expect(nodeRuntime({ device: 'tpu' })).rejects.toMatchObject({
      code: 'RUNTIME',
      subject: 'tpu',
    })
  })
})
