import { readFileSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Sources by path, without tests and without what is generated or compares things by name: the client, the paper's tables, the page. */
const sources = ['packages', 'apps'].flatMap((top) =>
  readdirSync(join(root, top)).flatMap((name) => {
    if (['client', 'experiments', 'web'].includes(name)) return []
    const folder = join(root, top, name, 'src')
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => /^(?!.*(\.test|\btesting)\.ts$).*\.ts$/.test(file))
      .map((file) => join(folder, file))
      .map((path) => [relative(root, path).replaceAll(sep, '/'), readFileSync(path, 'utf8')] as const) // prettier-ignore
  }),
)

/** What CONTRIBUTING says of adding things, on one that is there: files that would have to change. */
it.each([
  ['a method', /\bspade\b/, 'methods/src/spade/spade.ts'],
  ['a data set', /\/folder\.js'|'folder'/, 'datasets/src/node/folder.ts'],
  ['an encoder', /mobileNets/, 'encoders/src/models/mobilenet-v3.ts'],
  ['a runtime', /onnxruntimeNode/, 'runtimes/src/drivers/onnxruntime-node.ts'],
  ['an aggregation', /'standardised'/, 'core/src/score/aggregation.ts'],
  ['a kind of weight file', /safetensors\b.*(WeightFormat|safetensors\.js)/, 'weights/src/safetensors.ts'], // prettier-ignore
  ['a place of weights', /'embedded'/, 'encoders/src/node/find.ts'],
  ['an operator', /const TopK\b|top-k\.js/, 'graph/src/operators/top-k.ts'],
  ['a transform', /globalAffine/, 'core/src/transforms/affine.ts'],
  ['a command', /(commands|\.\.)\/benchmark(\/measure)?\.js/, 'cli/src/commands/benchmark.ts'],
])('%s is named in three files at most', (_, name, own) => {
  const files = sources.filter(([, text]) => name.test(text)).map(([path]) => path)
  expect(files.some((file) => file.endsWith(own))).toBe(true)
  expect(files.length, files.join(', ')).toBeLessThanOrEqual(3)
})
