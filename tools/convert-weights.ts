/**
 * Convert a published weight file to the safetensors file that a package ships: only the tensors the taps need, under
 * their published keys, bit for bit. The same input gives the same bytes.
 *
 *   node --conditions=@cflow/source --import tsx tools/convert-weights.ts FILE.pth OUT.safetensors --encoder NAME
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { convertWeights, encoderSpec } from '../packages/encoders/src/index.js'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { encoder: { type: 'string' } },
})
const [from, to] = positionals
if (from === undefined || to === undefined || values.encoder === undefined) {
  console.error('usage: tools/convert-weights.ts FILE.pth OUT.safetensors --encoder NAME')
  process.exit(2)
}
const bytes = convertWeights(encoderSpec(values.encoder), readFileSync(from), basename(from))
writeFileSync(`${to}.part`, bytes)
renameSync(`${to}.part`, to)
console.log(`${createHash('sha256').update(bytes).digest('hex')}  ${to}  ${bytes.length} bytes`)
