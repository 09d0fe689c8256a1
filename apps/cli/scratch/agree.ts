import { loadDetector } from '@cflow/detector'
import { noise } from '@cflow/core/testing'
const file = '/tmp/tfn/run-ort/model.onnx'
const images = [noise(1, 256, 256), noise(2, 300, 200)]
const ref = await loadDetector(file)
const want = []
for (const im of images) want.push(await ref.detect(im))
for (const device of ['tfjs:cpu', 'tfjs:wasm', 'tfjs:tensorflow']) {
  try {
    let t = performance.now()
    const d = await loadDetector(file, { device })
    const load = performance.now() - t
    const rel = []
    for (const [i, im] of images.entries()) {
      const got = await d.detect(im)
      rel.push(Math.abs(got.score - want[i].score) / Math.abs(want[i].score))
      var ms = got.milliseconds
    }
    t = process.cpuUsage().user
    console.log(device, 'load', load.toFixed(0), 'rel', rel, 'ms', ms, 'ort ms', want[1].milliseconds)
    await d.release()
  } catch (e) { console.log(device, e) }
}
