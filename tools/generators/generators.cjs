// What stands in CONTRIBUTING under “To add something”, as generators: nx g ./tools/generators:operator NAME. What they write passes
// lint, types and tests as it is; what it does is the simplest thing of its kind, to be replaced.

/** The names that follow from one in kebab case. */
function namesOf(name) {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    throw new Error(`${name} is no name in kebab case, such as soft-plus`)
  const pascal = name.replace(/(^|-)([a-z0-9])/g, (_, __, letter) => letter.toUpperCase())
  const camel = pascal[0].toLowerCase() + pascal.slice(1)
  return {
    kebab: name,
    pascal,
    camel,
    title: name[0].toUpperCase() + name.slice(1).replaceAll('-', ' '),
  }
}

/** Write a file that is not there yet. */
function create(tree, path, text) {
  if (tree.exists(path)) throw new Error(`${path} is there already`)
  tree.write(path, text)
}

/** Put text into a file, before or after the first place where a pattern matches. */
function insert(tree, path, pattern, text, where = 'after') {
  const old = tree.read(path, 'utf-8')
  const match = pattern.exec(old)
  if (!match) throw new Error(`${path} has no place for it: ${pattern}`)
  const at = match.index + (where === 'after' ? match[0].length : 0)
  tree.write(path, old.slice(0, at) + text + old.slice(at))
}

/** An import in its alphabetical place among those that begin alike. */
function addImport(tree, path, line) {
  const lines = tree.read(path, 'utf-8').split('\n')
  const from = (text) => /from '(\.[^']*)'/.exec(text)?.[1] ?? ''
  const own = from(line)
  const folder = own.slice(0, own.indexOf('/', own.startsWith('./') ? 2 : 0) + 1)
  const candidates = lines.flatMap((text, i) =>
    /^(import|export) /.test(text) && from(text) ? [i] : [],
  )
  const alike = candidates.filter((i) => from(lines[i]).startsWith(folder || './'))
  const before = (alike.length > 0 ? alike : candidates).filter((i) => from(lines[i]) < own)
  const at = before.length > 0 ? before.at(-1) + 1 : (alike[0] ?? candidates[0])
  tree.write(path, lines.toSpliced(at, 0, line).join('\n'))
}

/** A generator whose files are formatted as the workspace's are. */
const formatted = (generator) => async (tree, options) => {
  const written = new Set()
  const watched = {
    exists: (path) => tree.exists(path),
    read: (path, encoding) => tree.read(path, encoding),
    write: (path, text) => {
      written.add(path)
      tree.write(path, text)
    },
  }
  const done = generator(watched, options)
  const prettier = await import('prettier')
  const config = await prettier.resolveConfig(__filename)
  for (const path of written) {
    const text = tree.read(path, 'utf-8')
    tree.write(path, await prettier.format(text, { ...config, filepath: path }))
  }
  return done
}

/** What is to be done by hand, said when all is written. */
const then =
  (...lines) =>
  () =>
    console.log(['', ...lines, ''].join('\n'))
const surface =
  'npx vitest run --project docs test/surface -u    # the public surface has one name more'

exports.operator = formatted((tree, { name }) => {
  const { kebab, pascal, camel } = namesOf(name)
  const folder = 'packages/graph/src/operators'
  create(
    tree,
    `${folder}/${kebab}.ts`,
    `import { apply } from '../operator.js'
import type { Operator, Value } from '../value.js'

/**
 * ONNX's ${pascal}, element by element. For inference only: with a rule \`gradient\` it can be trained through, and the test of
 * gradients asks for a case of it.
 */
export const ${pascal}: Operator = {
  type: '${pascal}',
  infer: ([x]) => [{ dtype: (x as Value).dtype, shape: (x as Value).shape }],
}

/** ${pascal} of every element. @returns of x's type and shape */
export const ${camel} = (x: Value): Value => apply(${pascal}, [x])
`,
  )
  create(
    tree,
    `${folder}/${kebab}.test.ts`,
    `import { expect, it } from 'vitest'
import { ${camel}, input, readOnnx, writeOnnx } from '../index.js'

it('${camel} keeps shape and type, and is written and read', () => {
  const y = ${camel}(input('x', 'float32', ['n', 3]))
  expect([y.dtype, y.shape]).toEqual(['float32', ['n', 3]])
  const file = writeOnnx({ y })
  expect(writeOnnx(readOnnx(file).outputs)).toEqual(file)
})
`,
  )
  addImport(tree, `${folder}/registry.ts`, `import * as ${camel} from './${kebab}.js'`)
  insert(tree, `${folder}/registry.ts`, /new Map\(\s*\[[^\]]*?(?=\])/, `, ${camel}`)
  insert(
    tree,
    'packages/runtimes/src/tfjs/operators/table.ts',
    /without: readonly string\[\] = \[/,
    `'${pascal}', `,
  )
  addImport(
    tree,
    'packages/graph/src/index.ts',
    `export { ${camel} } from './operators/${kebab}.js'`,
  )
  return then(
    'Then, where TensorFlow.js is to run it: a kernel in packages/runtimes/src/tfjs/operators in place of its name in `without`.',
    surface,
  )
})

exports.encoder = formatted((tree, { name }) => {
  const { kebab, camel, title } = namesOf(name)
  create(
    tree,
    `packages/encoders/src/models/${kebab}.ts`,
    `import { relu } from '@cflow/graph'
import { convolve, parametersOf, stemOf, type ConvLayer } from '../layers/conv.js'
import { encoderOf } from '../layers/encoder.js'
import { imagenet, type NamedEncoder } from '../spec.js'

/** Channels behind every convolution of stride 2; the last three are tapped. */
const widths = [24, 40, 80, 160]
const stem = stemOf({ conv: 'stem.conv', norm: 'stem.norm' }, 16, 3)
const stages = widths.map((outputs, i): ConvLayer => ({
  ...{ conv: \`stages.\${i}.conv\`, norm: \`stages.\${i}.norm\` },
  ...{ inputs: widths[i - 1] ?? stem.outputs, outputs, kernel: 3, stride: 2 },
}))

/**
 * ${title}: layers by their keys in the published file. Where that is published stands in \`weights\` of the spec; without it
 * weights are given as a file.
 */
export const ${camel}s: readonly NamedEncoder[] = [
  {
    name: '${kebab}',
    spec: () =>
      encoderOf(
        {
          ...{ name: '${kebab}', ...imagenet, padding: 'zeros', license: 'Apache-2.0' },
          taps: stages.slice(-3).map(({ outputs }, i) => ({
            ...{ name: \`stages.\${i + 1}\`, channels: outputs, stride: 8 * 2 ** i },
          })),
          parameters: [stem, ...stages].flatMap(parametersOf),
        },
        1e-5,
        (image, context) => {
          let x = relu(convolve(image, stem, context))
          return stages.map((stage) => (x = relu(convolve(x, stage, context)))).slice(-3)
        },
      ),
  },
]
`,
  )
  const registry = 'packages/encoders/src/registry.ts'
  addImport(tree, registry, `import { ${camel}s } from './models/${kebab}.js'`)
  insert(
    tree,
    registry,
    /const encoders: readonly NamedEncoder\[\] = \[[^\]]*?(?=\])/,
    `, ...${camel}s`,
  )
  return then('Then: its weights, and reference numbers in packages/encoders/fixtures.')
})

exports.dataset = formatted((tree, { name }) => {
  const { kebab, camel, title } = namesOf(name)
  const folder = 'packages/datasets/src/node'
  create(
    tree,
    `${folder}/${kebab}.ts`,
    `import { CflowError } from '@cflow/base'
import { join } from 'node:path'
import * as z from 'zod'
import type { DatasetDriver } from '../driver.js'
import { isFolder, listFolder } from './files.js'
import { readFolder } from './reading/read-folder.js'

/** What only this data set can be told: keys made by \`setting\`, with help and placeholder. */
const settings = z.object({})

/** ${title}: a folder of categories, each read by what the names of its folders say. */
export const ${camel}: DatasetDriver<typeof settings> = {
  name: '${kebab}',
  title: '${title}',
  settings,
  categories: async ({ root }) => (await listFolder(root)).folders.toSorted(),
  async open({ root, category }, context) {
    const { folders } = await listFolder(root)
    const chosen = category ?? context.trained
    const hint = \`Categories in \${root}: \${folders.join(', ') || 'none'}.\`
    if (chosen === undefined)
      throw new CflowError('USAGE', '--dataset ${kebab} needs --category', {
        ...{ subject: '--category', hint },
      })
    const folder = join(root, chosen)
    if (!(await isFolder(folder)))
      throw new CflowError('NOT_FOUND', \`there is no category '\${chosen}' in \${root}\`, {
        ...{ subject: folder, hint },
      })
    return readFolder(folder, { name: '${kebab}', category: chosen }, {}, context)
  },
}
`,
  )
  addImport(tree, `${folder}/drivers.ts`, `import { ${camel} } from './${kebab}.js'`)
  insert(
    tree,
    `${folder}/drivers.ts`,
    /export const drivers = \[[^\]]*?(?=, synthetic\])/,
    `, ${camel}`,
  )
  insert(
    tree,
    `${folder}/drivers.test.ts`,
    /^ {2}async synthetic\(\) \{/m,
    `  async ${camel === kebab ? camel : `'${kebab}'`}(root) {
    await writeDataset(photos, root)
    return { settings: { root, category: 'part' }, unknown: { category: 'nut' } }
  },
`,
    'before',
  )
  return then(
    'Then:',
    'npx vitest run --project cli src/settings -u       # the tables of settings',
  )
})

exports.runtime = formatted((tree, { name }) => {
  const { kebab, camel } = namesOf(name)
  const folder = 'packages/runtimes/src/drivers'
  create(
    tree,
    `${folder}/${kebab}.ts`,
    `import { CflowError } from '@cflow/base'
import { library, type Driver } from '../driver.js'
import { notLoaded, sessionOver } from './onnxruntime.js'

/** ${camel}: over onnxruntime's JavaScript interface \`sessionOver\` does the work; another library gives a \`Runtime\` of its own. */
export const ${camel}: Driver = {
  name: '${kebab}',
  devices: ['cpu'],
  async open({ device = 'cpu', threads = 1 }) {
    const ort = await library('onnxruntime-node', import('onnxruntime-node'))
    if (device !== 'cpu')
      throw new CflowError('RUNTIME', \`${kebab} has no device \${device}\`, {
        ...{ subject: device, hint: 'it has cpu' },
      })
    return {
      name: '${kebab} (cpu)',
      scans: true,
      async createSession(model, options = {}) {
        const intraOpNumThreads = options.threads ?? threads
        const session = await ort.InferenceSession.create(model, {
          ...{ intraOpNumThreads, logSeverityLevel: 4 },
        }).catch(notLoaded)
        return sessionOver(ort, session, true, options.state)
      },
    }
  },
}
`,
  )
  addImport(tree, `${folder}/node.ts`, `import { ${camel} } from './${kebab}.js'`)
  insert(tree, `${folder}/node.ts`, /drivers: readonly Driver\[\] = \[[^\]]*?(?=\])/, `, ${camel}`)
  return then(
    'Then: a line in drivers/browser.ts, where it runs there; its library as an optional peer in package.json.',
  )
})

exports.method = formatted((tree, { name }) => {
  const { kebab, camel, title } = namesOf(name)
  create(
    tree,
    `packages/methods/src/${kebab}/${kebab}.ts`,
    `import { tensor, type Tensor } from '@cflow/base'
import { rowsOfMap, type Head } from '@cflow/core'
import { add, constant, reduceMax, reduceSumSquare, reshape, sqrt, sub, type Value } from '@cflow/graph'
import * as z from 'zod'
import { mapShape, sizeOfMap } from '../features.js'
import { mapVerdict } from '../maps.js'
import { encodeAll, method } from '../method.js'
import { commonDefaults, commonSettings } from '../settings.js'

/** Its own settings are made by \`settingsOf('${kebab}')\`. */
const settings = z.strictObject({ ...commonSettings })

/** ${title}: how far the features at each position are from their mean over the good images. */
export const ${camel} = method({
  name: '${kebab}',
  title: '${title}',
  settings,
  recipes: { default: { ...commonDefaults } },
  prepare: () => ({}),
  async learn(job) {
    const { encoder, training } = job
    const means = encoder.taps.map((tap) => new Float32Array(sizeOfMap(tap)))
    await encodeAll(job, (features) =>
      features.forEach((values, k) => {
        const mean = means[k] as Float32Array
        values.forEach((value, i) => (mean[i]! += value / training.length))
      }),
    )
    const shapes = encoder.taps.map((tap) => [tap.height * tap.width, tap.channels])
    return { head: headOf(means.map((mean, k) => tensor('float32', shapes[k]!, mean))) }
  },
})

/** @param means of every tap, [h·w, D] */
function headOf(means: readonly Tensor<'float32'>[]): Head {
  return {
    stage: 'distances',
    evidence: (taps) =>
      Object.fromEntries(
        taps.map((tap, k) => {
          const { channels, height, width } = mapShape(tap)
          const rows = reshape(rowsOfMap(tap), [-1, height * width, channels])
          const away = sub(rows, constant(means[k]!, \`${kebab}.mean\${k}\`))
          return [\`distance\${k}\`, reshape(sqrt(reduceSumSquare(away, [2])), [-1, height, width])]
        }),
      ),
    verdict(evidence, size) {
      const options = { corners: 'half', blurred: true } as const
      const maps = Object.values(evidence).map((at) => mapVerdict(at as Value, size, options).map)
      const map = maps.reduce((a, b) => add(a, b))
      return { map, score: reduceMax(map, [1, 2]) }
    },
  }
}
`,
  )
  const list = 'packages/methods/src/methods.ts'
  addImport(tree, list, `import { ${camel} } from './${kebab}/${kebab}.js'`)
  insert(tree, list, /export const methods = \[[^\]]*?(?=\])/, `, ${camel}`)
  return then(
    'Then:',
    'npx vitest run --project cli src/settings -u       # the tables of settings',
    surface,
  )
})

exports.command = formatted((tree, { name }) => {
  const { kebab, title } = namesOf(name)
  create(
    tree,
    `apps/cli/src/commands/${kebab}.ts`,
    `import * as z from 'zod'
import { defineCommand } from '../command.js'
import { printJson } from '../io.js'
import { outputShape, text } from '../settings/schema.js'
import { grouped } from '../settings/settings.js'

const schema = z.object({
  ...grouped('options', { greeting: text('what is said', { placeholder: 'TEXT' }) }),
  ...outputShape,
})

/** \`cflow ${kebab}\`. */
export const command = defineCommand({
  settings: schema,
  run(session, { greeting = '${title}' }) {
    if (session.json) printJson(session, { greeting })
    else session.io.out(\`\${greeting}\\n\`)
    return Promise.resolve()
  },
})
`,
  )
  create(
    tree,
    `apps/cli/test/${kebab}.test.ts`,
    `import { expect, it } from 'vitest'
import { cflow, json } from './cflow.js'

it('${kebab} says what it is told to say', async () => {
  expect(await cflow(['${kebab}'])).toMatchObject({ code: 0, out: '${title}\\n' })
  expect(json(await cflow(['${kebab}', '--json', '--greeting', 'hello']))).toEqual({ greeting: 'hello' })
})
`,
  )
  insert(
    tree,
    'apps/cli/src/commands.ts',
    /^ {2}encoders: \{/m,
    `  ${/-/.test(kebab) ? `'${kebab}'` : kebab}: {
    description: '${title}.',
    load: () => import('./commands/${kebab}.js'),
  },
`,
    'before',
  )
  return then(
    'Then:',
    'npx vitest run --project cli src/settings -u       # the tables of settings',
  )
})
