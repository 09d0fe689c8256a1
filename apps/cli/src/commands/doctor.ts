import { devices, libraries, physicalCores } from '@cflow/runtimes/node'
import { arch, cpus, platform } from 'node:os'
import * as z from 'zod'
import { defineCommand } from '../command.js'
import { examine, type Examined, type Reference } from '../doctor/examine.js'
import { makeExample } from '../doctor/example.js'
import { listing, printJson, table } from '../io.js'
import { statusLine } from '../progress/reporter.js'
import { machineShape, outputShape } from '../settings/schema.js'
import { grouped } from '../settings/settings.js'

/** What a library is for, and how it comes here. */
const purposes: Readonly<Record<string, readonly [purpose: string, command: string]>> = {
  'onnxruntime-node': ['the CPU, and GPUs in Node', 'npm install onnxruntime-node'],
  'onnxruntime-web': ['pages', 'npm install onnxruntime-web'],
  '@tensorflow/tfjs-core': ['tfjs:wasm, tfjs:cpu', 'npm install @tensorflow/tfjs-core@4.22.0'],
  '@tensorflow/tfjs-backend-wasm': ['tfjs:wasm', 'npm install @tensorflow/tfjs-backend-wasm@4.22.0'],
  '@tensorflow/tfjs-backend-cpu': ['tfjs:cpu', 'npm install @tensorflow/tfjs-backend-cpu@4.22.0'],
  '@tensorflow/tfjs-node': ['tfjs:tensorflow', 'npm install @tensorflow/tfjs-node@4.22.0'],
  '@tensorflow/tfjs-node-gpu': ['tfjs:tensorflow on CUDA', 'npm install @tensorflow/tfjs-node-gpu@4.22.0'],
} // prettier-ignore

const schema = z.object({
  ...grouped('measurement', {
    seconds: z.number().min(0.1).max(3600).default(2).meta({
      help: 'of measurement for each device',
      placeholder: 'S',
    }),
  }),
  ...machineShape,
  ...outputShape,
})

/** `cflow doctor`: what runs here, how fast, and what is missing. */
export const command = defineCommand({
  settings: schema,
  async run(session, settings) {
    const { signal } = session.io
    const { seconds, threads } = settings
    const status = statusLine(session)
    const example = await makeExample()
    const reference: Reference = {}
    const examined: Examined[] = []
    const asked = settings.device === undefined ? devices : [settings.device]
    try {
      for (const device of asked) {
        status.show(() => device)
        examined.push(await examine(device, example, reference, (1000 * seconds) / 2, { signal, threads })) // prettier-ignore
      }
    } finally {
      status.end()
    }
    const installed = Object.entries(libraries()).map(([name, version]) => {
      const [purpose, command] = purposes[name] ?? ['', `npm install ${name}`]
      return { name, version: version ?? null, for: purpose, ...(version === undefined && { install: command }) } // prettier-ignore
    })
    const machine = {
      node: process.version,
      platform: `${platform()} ${arch()}`,
      processor: cpus()[0]?.model ?? 'unknown',
      threads: threads ?? physicalCores(),
    }
    if (!examined.some((e) => e.can.detect)) session.exitCode = 1
    if (session.json) return printJson(session, { ...machine, libraries: installed, devices: examined }) // prettier-ignore
    const { node, processor } = machine
    const threadText = `${machine.threads} thread${machine.threads === 1 ? '' : 's'}`
    session.io.out(
      listing([
        ['Node', `${node}, ${machine.platform}`],
        ['processor', `${processor}, ${threadText}`],
        ...installed.map(({ name, version, install, for: purpose }): [string, string] => [
          name,
          version ?? `not installed (${purpose}): ${install}`,
        ]),
      ], 29),
    ) // prettier-ignore
    session.io.out(`\n${devicesTable(examined)}`)
    session.io.out(
      '\nOne image of 256 pixels at a time; feature vectors of a training step of the default recipe. DIFFERENCE is the\n' +
        'largest from the first device, of scores and losses. In pages: onnxruntime-web on WASM or WebGPU.\n',
    )
    const remarks = examined.flatMap(remarksOn)
    if (remarks.length > 0) session.io.out(`\n${remarks.map((r) => `${r}\n`).join('')}`)
  },
})

const rounded = (n: number | undefined): string =>
  n === undefined ? '-' : n < 100 ? String(Number(n.toPrecision(2))) : String(Math.round(n))

function devicesTable(examined: readonly Examined[]): string {
  const yes = (can: boolean) => (can ? 'yes' : 'no')
  const rows = examined
    .filter((e) => e.available)
    .map(({ device, can, imagesPerSecond, vectorsPerSecond, apart }) => [
      device,
      ...[can.detect, can.train, can.int8].map(yes),
      rounded(imagesPerSecond),
      rounded(vectorsPerSecond),
      apart === undefined ? '-' : apart.toExponential(0),
    ])
  if (rows.length === 0) return 'No device can be used.\n'
  return table([['DEVICE', 'DETECTS', 'TRAINS', 'INT8', 'IMAGES/S', 'VECTORS/S', 'DIFFERENCE'], ...rows]) // prettier-ignore
}

/** What is missing, or wrong, and what to do. */
function remarksOn({ device, available, reason, hint, failures }: Examined): readonly string[] {
  if (!available) return [`${device}: ${reason}`, ...(hint === undefined ? [] : [`  ${hint}`])]
  return Object.entries(failures).map(([what, why]) => `${device}, ${what}: ${why}`)
}
