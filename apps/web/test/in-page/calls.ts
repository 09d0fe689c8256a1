import { noise, toyDetector } from '@cflow/core/testing'
import { syntheticDataset } from '@cflow/datasets'
import { decodeImage, loadDetector } from '@cflow/detector'
import { contract } from '@cflow/runtimes/contract'
import type { Runtime } from '@cflow/runtimes'
import { trainDetector } from '@cflow/trainer'
import { lossesOf } from './steps.ts'

/** Images of the size that detectors are trained at. */
const rendered = (split: 'train' | 'test', count: number) =>
  Promise.all(
    syntheticDataset({ kind: 'cable', size: 256, train: count, test: count, seed: 0 })[split].slice(0, count).map((sample) => sample.load()), // prettier-ignore
  )

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
  /** The scores of a detector file on images that are rendered here, and images a second. @param bytes in base64 */
  async detecting(device: string, bytes: string, batchSize: number, milliseconds: number) {
    const file = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))
    const detector = await loadDetector(file, { runtime: await runtimeOn(device) })
    const images = await rendered('test', Math.max(16, batchSize))
    const found = await detector.detectBatch(images)
    const batch = images.slice(0, batchSize)
    const times: number[] = []
    const began = performance.now()
    while (times.length < 3 || performance.now() - began < milliseconds) {
      const from = performance.now()
      await detector.detectBatch(batch, { batchSize })
      times.push(performance.now() - from)
    }
    await detector.release()
    const median = times.sort((a, b) => a - b)[times.length >> 1]!
    return { scores: found.map(({ score }) => score), milliseconds: median, imagesPerSecond: (1000 * batchSize) / median } // prettier-ignore
  },
  /** A training of the default recipe on images that are rendered here. */
  async training(device: string, count: number) {
    const images = await rendered('train', count)
    const began = performance.now()
    const { manifest, seconds } = await trainDetector(images, { runtime: await runtimeOn(device) })
    const { threshold } = manifest.calibration
    return { seconds: (performance.now() - began) / 1000, stages: seconds, threshold }
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
