import { loadDetector } from '@cflow/detector'

const input = document.querySelector('input')!
const detector = await loadDetector('/model.onnx', { device: 'wasm' })
input.onchange = async () => {
  const { anomalous } = await detector.detect(input.files![0]!)
  document.querySelector('output')!.value = anomalous ? 'anomalous' : 'good'
}
