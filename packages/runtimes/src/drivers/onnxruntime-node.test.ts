import { expect, it } from 'vitest'
import { openRuntime } from '../index.node.js'

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
