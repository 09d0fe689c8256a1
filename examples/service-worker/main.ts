import { loadDetector } from '@cflow/detector'

const input = document.querySelector('input')!
const output = document.querySelector('output')!

// the worker keeps all that the page asks for from now on
if ('serviceWorker' in navigator) {
  await navigator.serviceWorker.register('./sw.js')
  await navigator.serviceWorker.ready
  if (!navigator.serviceWorker.controller)
    await new Promise((resolve) => {
      navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true })
    })
}

// what was loaded before it was there: asked for once more, it is kept, too
const own = performance.getEntriesByType('resource').map(({ name }) => name)
await Promise.allSettled(own.map((url) => fetch(url)))

const detector = await loadDetector('model.onnx', { device: 'wasm' })
output.value = 'ready'

input.onchange = async () => {
  const { anomalous, score } = await detector.detect(input.files![0]!)
  output.value = `${anomalous ? 'anomalous' : 'good'}: ${score.toFixed(2)}`
}
