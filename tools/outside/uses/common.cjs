// CommonJS reaches the packages through import(); Node 22 and later also by require
const assert = require('node:assert')
const { writeFileSync } = require('node:fs')

async function main() {
  const { auroc } = await import('@cflow/metrics')
  assert.equal(auroc([1, 2, 3, 4], [0, 1, 0, 1]), 0.75)
  const { loadDetector } = await import('@cflow/detector')
  writeFileSync('empty.onnx', '')
  await assert.rejects(loadDetector('empty.onnx'), { name: 'CflowError', code: 'MODEL' })
  console.log('ok')
}
main()
