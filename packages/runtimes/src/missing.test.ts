import { expect, it, vi } from 'vitest'

vi.mock('onnxruntime-node', () => {
  throw new Error('no build for this platform')
})

it('a driver is imported without its library, and says what to install', async () => {
  const { nodeRuntime } = await import('./node.js')
  await expect(nodeRuntime()).rejects.toMatchObject({
    name: 'CflowError',
    code: 'RUNTIME',
    hint: expect.stringMatching(/npm install onnxruntime-node/),
  })
})
