// without a runtime, the error says what to install
import { strict as assert } from 'node:assert'
import { loadDetector } from '@cflow/detector'

await assert.rejects(loadDetector('model.onnx'), ({ name, code, hint }) => {
  assert.deepEqual([name, code], ['CflowError', 'RUNTIME'])
  assert.match(hint, /npm install onnxruntime-node/)
  return true
})
console.log('ok')
