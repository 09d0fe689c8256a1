import { loadDetector } from '@cflow/detector'

const input = document.querySelector('input')!
const output = document.querySelector('output')!

// the worker keeps all that the page asks for; it has to be there before the rest is asked for
if ('serviceWorker' in navigator) {
  await navigator.serviceWorker.register('./sw.js')
  await navigator.serviceWorker.ready
  if (!navigator.serviceWorker.controller)
    await new Promise((resolve) => {
      navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true })
    })
}

const detector = await loadDetector('model.onnx', { device: 'wasm' })
output.value = 'ready'

input.onchange = async () => {
  const { anomalous, score } = await detector.detect(input.files![0]!)
  output.value = `${anomalous ? 'anomalous' : 'good'}: ${score.toFixed(2)}`
}
