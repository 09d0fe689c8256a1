import { noise, toyDetector } from '@cflow/core/testing'
import { decodeImage, loadDetector } from '@cflow/detector'
import { contract } from '@cflow/runtimes/contract'
import type { Runtime } from '@cflow/runtimes'
import { lossesOf } from './steps.ts'

/** What the tests call in a page. */
export const callsOn = (runtimeOn: (device: string) => Promise<Runtime>) => ({
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
  /** The scores of the small detector on images of noise. */
  async scores(device: string) {
    const detector = await loadDetector(toyDetector(), { runtime: await runtimeOn(device) })
    const detections = await detector.detectBatch([noise(1, 32, 32), noise(2, 50, 41)])
    await detector.release()
    return detections.map((d) => d.score)
  },
  /** Load a model file. @param bytes in base64. @returns the error's text; undefined when it can be run */
  async refusal(device: string, bytes: string) {
    const model = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))
    const runtime = await runtimeOn(device)
    return runtime.createSession(model).then((s) => void s.release(), String)
  },
  /** What WebGPU runs on, as the browser tells it; undefined without an adapter. */
  async adapter() {
    interface Gpu {
      requestAdapter(): Promise<{ info?: { vendor: string; architecture: string; description: string } } | null> // prettier-ignore
    }
    const { gpu } = navigator as { gpu?: Gpu }
    const info = (await gpu?.requestAdapter())?.info
    return info && { vendor: info.vendor, architecture: info.architecture, description: info.description } // prettier-ignore
  },
  /** Images a second of a detector file. @param bytes in base64 */
  async imagesPerSecond(device: string, bytes: string, milliseconds: number) {
    const file = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))
    const detector = await loadDetector(file, { runtime: await runtimeOn(device) })
    const image = noise(1, detector.manifest.inputSize, detector.manifest.inputSize)
    await detector.detect(image)
    const began = performance.now()
    let count = 0
    for (; count === 0 || performance.now() - began < milliseconds; count++)
      await detector.detect(image)
    const rate = (1000 * count) / (performance.now() - began)
    await detector.release()
    return rate
  },
  /** The pixels of an image file: its size and its bytes; both files and pixels in base64. */
  async pixels(file: string, type: string) {
    const bytes = Uint8Array.from(atob(file), (c) => c.charCodeAt(0))
    const { width, height, data } = await decodeImage(new Blob([bytes], { type }))
    let text = ''
    for (const byte of data) text += String.fromCharCode(byte)
    return { width, height, data: btoa(text) }
  },
})

export type InPage = ReturnType<typeof callsOn>
