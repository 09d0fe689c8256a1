import { expect, it, vi } from 'vitest'

const missing = vi.hoisted(() => () => {
  throw new Error('no build for this platform')
})
vi.mock('onnxruntime-node', missing)
vi.mock('onnxruntime-web/wasm', missing)

it.each([
  ['onnxruntime-node', () => import('../index.node.js')],
  ['onnxruntime-web', () => import('../index.browser.js')],
])('%s is listed without its library, and says what to install', async (name, entry) => {
  const { openRuntime } = await entry()
  await expect(openRuntime()).rejects.toMatchObject({
    name: 'CflowError',
    code: 'RUNTIME',
    hint: expect.stringContaining(`npm install ${name}`),
  })
})
