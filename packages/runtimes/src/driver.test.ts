import { expect, it } from 'vitest'
import { openWith, type Driver, type OpenOptions } from './driver.js'
import * as browser from './index.browser.js'
import * as node from './index.node.js'
import type { Runtime } from './runtime.js'

const driver = (name: string): Driver => ({
  name,
  devices: [],
  open: (options) => Promise.resolve({ name, ...options } as unknown as Runtime),
})
const opened = (options?: OpenOptions) => openWith([driver('a'), driver('b')], options)

it('opens the first driver, or the one that is named, with or without a device', async () => {
  expect(await opened()).toEqual({ name: 'a' })
  expect(await opened({ device: 'x', threads: 2 })).toEqual({ name: 'a', device: 'x', threads: 2 })
  expect(await opened({ driver: 'b' })).toEqual({ name: 'b' })
  expect(await opened({ device: 'b:x' })).toEqual({ name: 'b', device: 'x' })
  expect(await opened({ device: 'b:' })).toEqual({ name: 'b' })
  expect(await opened({ driver: 'b', device: 'b:x' })).toEqual({ name: 'b', device: 'x' })
})

it('refuses a driver that there is not, one that contradicts the device, and threads that are no number', async () => {
  const refused = (options: OpenOptions, error: object) =>
    expect(opened(options)).rejects.toMatchObject({ name: 'CflowError', ...error })
  await refused({ driver: 'c' }, { code: 'RUNTIME', subject: 'c', hint: 'there is a, b' })
  await refused({ device: 'c:x' }, { code: 'RUNTIME', subject: 'c' })
  await refused({ driver: 'a', device: 'b:x' }, { code: 'USAGE', subject: 'device' })
  for (const threads of [0, -1, 1.5, NaN])
    await refused({ threads }, { code: 'USAGE', subject: 'threads' })
})

it('has the same names in Node and in browsers, each its own default', async () => {
  expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort())
  expect((await node.openRuntime()).name).toBe('onnxruntime-node (cpu)')
  expect((await browser.openRuntime()).name).toBe('onnxruntime-web (wasm, 1 thread)')
  expect((await node.openRuntime({ device: 'onnxruntime-node:cpu' })).name).toMatch(/cpu/)
  await expect(node.openRuntime({ driver: 'onnxruntime-web' })).rejects.toMatchObject({
    code: 'RUNTIME',
  })
})
