import { decodeImage, loadDetector } from '@cflow/detector'
import { heatRange, heatmapOverlay } from '@cflow/report'

const input = document.querySelector('input')!
const output = document.querySelector('output')!
const canvas = document.querySelector('canvas')!

const detector = await loadDetector('model.onnx')
output.value = 'ready'

input.onchange = async () => {
  const photo = await decodeImage(input.files![0]!)
  const { anomalous, score, threshold, anomalyMap } = await detector.detect(photo)
  const picture = heatmapOverlay(photo, anomalyMap, heatRange([anomalyMap], threshold), threshold)
  draw(picture)
  output.value = `${anomalous ? 'anomalous' : 'good'}: ${score.toFixed(2)}, threshold ${threshold.toFixed(2)}`
}

function draw({ width, height, data }: Awaited<ReturnType<typeof decodeImage>>): void {
  Object.assign(canvas, { width, height })
  const pixels = new ImageData(width, height)
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = data[3 * i + c]!
    pixels.data[4 * i + 3] = 255
  }
  canvas.getContext('2d')!.putImageData(pixels, 0, 0)
}
