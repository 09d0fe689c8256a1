import { afterEach, describe, expect, it, vi } from 'vitest'
import { openRuntime } from '../index.browser.js'

afterEach(() => vi.unstubAllGlobals())

describe('onnxruntime-web', () => {
  it('takes WASM where there is no WebGPU, and says with how many threads', async () => {
    expect((await openRuntime({ threads: 4 })).name).toBe('onnxruntime-web (wasm, 1 thread)')
    vi.stubGlobal('navigator', { gpu: { requestAdapter: () => Promise.resolve(null) } })
    expect((await openRuntime()).name).toBe('onnxruntime-web (wasm, 1 thread)')
  })

  it('takes WebGPU where there is an adapter', async () => {
    vi.stubGlobal('navigator', { gpu: { requestAdapter: () => Promise.resolve({}) } })
    expect((await openRuntime()).name).toBe('onnxruntime-web (webgpu)')
  })

  it('takes WASM where the adapter is software, unless WebGPU is asked for', async () => {
    for (const adapter of [{ isFallbackAdapter: true }, { info: { isFallbackAdapter: true } }]) {
      vi.stubGlobal('navigator', { gpu: { requestAdapter: () => Promise.resolve(adapter) } })
      expect((await openRuntime()).name).toContain('wasm')
      expect((await openRuntime({ device: 'webgpu' })).name).toBe('onnxruntime-web (webgpu)')
    }
    const info = { isFallbackAdapter: false }
    vi.stubGlobal('navigator', { gpu: { requestAdapter: () => Promise.resolve({ info }) } })
    expect((await openRuntime()).name).toBe('onnxruntime-web (webgpu)')
  })

  it('says which device is missing', async () => {
    for (const device of ['tpu', 'webgpu'])
      await expect(openRuntime({ device })).rejects.toMatchObject({
        code: 'RUNTIME',
        subject: device,
      })
  })

  it('takes several threads on an isolated page, once per page', async () => {
    vi.resetModules()
    vi.stubGlobal('crossOriginIsolated', true)
    vi.stubGlobal('navigator', { hardwareConcurrency: 64 })
    const ort = { env: { wasm: {} as { numThreads?: number; wasmPaths?: string } } }
    vi.doMock('onnxruntime-web/wasm', () => ort)
    const web = await import('../index.browser.js')
    await expect(web.openRuntime({ threads: 0 })).rejects.toMatchObject({ code: 'USAGE' })
    const first = await web.openRuntime({ wasmPaths: '/ort/' })
    expect(first.name).toBe('onnxruntime-web (wasm, 8 threads)')
    expect(ort.env.wasm).toEqual({ numThreads: 8, wasmPaths: '/ort/' })
    expect((await web.openRuntime({ threads: 2 })).name).toBe(first.name)
    vi.doUnmock('onnxruntime-web/wasm')
  })
})
