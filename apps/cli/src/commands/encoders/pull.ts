import { encoderSpec, type EncoderSpec } from '@cflow/encoders'
import { pullWeights } from '@cflow/encoders/node'
import type { PublishedWeights } from '@cflow/weights'
import type { DownloadOptions } from '@cflow/weights/node'
import * as z from 'zod'
import { defineCommand } from '../../command.js'
import { megabytes } from '../../io.js'
import { statusLine } from '../../progress/reporter.js'
import { usage } from '../../settings/parse.js'
import { outputShape } from '../../settings/schema.js'
import { showWeights } from './import.js'

const schema = z.object({
  from: z.string().optional().meta({ help: 'another address of the file', placeholder: 'URL' }),
  sha256: z.string().optional().meta({
    help: 'SHA-256 of the file at --from, or its start, where it is another',
    placeholder: 'HEX',
  }),
  ...outputShape,
})

/** `cflow encoders pull NAME`. */
export const command = defineCommand({
  arguments: { name: 'encoder, such as resnet18' },
  settings: schema,
  async run(session, settings, name: string) {
    const spec = encoderSpec(name)
    const source = sourceOf(spec, settings)
    const { show, end } = statusLine(session)
    let first: { readonly bytes: number; readonly at: number } | undefined
    const onProgress: DownloadOptions['onProgress'] = (bytes, total) => {
      const { bytes: before, at } = (first ??= { bytes, at: performance.now() })
      const seconds = (performance.now() - at) / 1000
      const share = total ? ` of ${megabytes(total)}  ${Math.floor((100 * bytes) / total)}%` : ''
      const rate = seconds > 0 ? `  ${megabytes((bytes - before) / seconds)}/s` : ''
      show(() => `${spec.name}  ${megabytes(bytes)}${share}${rate}`)
    }
    const options = { signal: session.io.signal, onProgress, ...(source && { source }) }
    showWeights(session, name, await pullWeights(spec.name, options).finally(end))
  },
})

/** The published file at another address, or another file. */
function sourceOf(
  spec: EncoderSpec,
  { from, sha256 }: z.infer<typeof schema>,
): PublishedWeights | undefined {
  if (from === undefined) {
    if (sha256 === undefined) return undefined
    throw usage('--sha256', '--sha256 is for a file given with --from')
  }
  if (!URL.canParse(from) || !/^https?:$/.test(new URL(from).protocol))
    throw usage(
      '--from',
      `--from needs an address that begins with https://, got ${from}`,
      `take a file with 'cflow encoders import ${spec.name} FILE'`,
    )
  if (sha256 === undefined) {
    if (spec.weights) return { ...spec.weights, url: from }
    const message = `--from needs --sha256: no weights of ${spec.name} are published`
    throw usage('--sha256', message)
  }
  if (!/^[0-9a-f]{8,64}$/i.test(sha256))
    throw usage('--sha256', '--sha256 needs 8 to 64 hexadecimal digits')
  // a file name without anything that a path could be made of
  const file = decodeURIComponent(new URL(from).pathname.split('/').at(-1) || 'weights')
    .replaceAll(/[^\w.-]/g, '_')
    .replace(/^\.+/, '_')
  return { url: from, file, sha256: sha256.toLowerCase() }
}
