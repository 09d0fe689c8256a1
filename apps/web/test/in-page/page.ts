import { decodeImage } from '@cflow/detector'
import { contract } from '@cflow/runtimes/contract'
import { openRuntime } from '@cflow/runtimes'
import { lossesOf } from './steps.ts'

const runtimeOn = (device: string) =>
  openRuntime({ device, wasmPaths: new URL('ort/', document.baseURI).href })

/** What the tests call in the page. */
const api = {
  async runtimeName(device: string) {
    return (await runtimeOn(device)).name
  },
  async contract(device: string, name: string) {
    const test = contract.find((t) => t.name === name)
    if (!test) throw new Error(`the contract has no test ${name}`)
    await test.run(await runtimeOn(device))
  },
  async losses(device: string) {
    return lossesOf(await runtimeOn(device))
  },
  /** The pixels of an image file: its size and its bytes; both files and pixels in base64. */
  async pixels(file: string, type: string) {
    const bytes = Uint8Array.from(atob(file), (c) => c.charCodeAt(0))
    const { width, height, data } = await decodeImage(new Blob([bytes], { type }))
    let text = ''
    for (const byte of data) text += String.fromCharCode(byte)
    return { width, height, data: btoa(text) }
  },
}

export type InPage = typeof api
Object.assign(globalThis, { inPage: api })
