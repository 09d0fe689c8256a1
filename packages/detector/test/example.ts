import { explain, loadDetector, plainDetection } from '@cflow/detector'

const detector = await loadDetector('model.onnx')

const result = await detector.detect('part-17.png', { falsePositiveRate: 0.02 })
console.log(result.anomalous, result.score, result.threshold)
console.log(explain(result))
// score 12.3 is above the threshold 9.1 (false-positive rate 2 %); mostly the coarse scale (stride 32)
const mask = detector.mask(result) // which pixels, S×S
console.log(mask.data.filter((pixel) => pixel === 1).length, 'anomalous pixels')

// many at once, in order; sizes may differ. What is not needed is not read from the model
const parts = { map: false } as const
const results = await detector.detectBatch(['a.png', 'b.png', 'c.png'], { parts })
console.log(JSON.stringify(results.map(plainDetection)))

await detector.release()
