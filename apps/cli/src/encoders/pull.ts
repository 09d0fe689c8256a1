import { CflowError } from '@cflow/base'
import { encoderSpec, type EncoderSpec } from '@cflow/encoders'
import { pullWeights } from '@cflow/encoders/node'
import type { PublishedWeights } from '@cflow/weights'
import { printJson } from '../io.js'
import type { Session } from '../io.js'
import { downloadReporter } from './download-reporter.js'

export interface PullFlags {
  readonly from?: string
  readonly sha256?: string
}

/** `cflow encoders pull NAME`. */
export async function pull(session: Session, name: string, flags: PullFlags): Promise<void> {
  const spec = encoderSpec(name)
  const source = sourceOf(spec, flags)
  const reporter = downloadReporter(session, spec.name)
  try {
    const path = await pullWeights(spec.name, {
      signal: session.io.signal,
      onProgress: reporter.onProgress,
      ...(source && { source }),
    })
    reporter.end()
    if (session.json) printJson(session, { encoder: spec.name, path })
    else session.io.out(`weights of ${spec.name}: ${path}\n`)
  } catch (error) {
    reporter.end()
    throw error
  }
}

/** The published file at another address, or another file. */
function sourceOf(spec: EncoderSpec, flags: PullFlags): PublishedWeights | undefined {
  const { from, sha256 } = flags
  if (from === undefined) {
    if (sha256 === undefined) return undefined
    throw new CflowError('USAGE', '--sha256 is for a file given with --from', {
      subject: '--sha256',
    })
  }
  if (!URL.canParse(from) || !/^https?:$/.test(new URL(from).protocol))
    throw new CflowError(
      'USAGE',
      `--from needs an address that begins with https://, got ${from}`,
      {
        subject: '--from',
        hint: `take a file with 'cflow encoders import ${spec.name} FILE'`,
      },
    )
  if (sha256 !== undefined && !/^[0-9a-f]{8,64}$/i.test(sha256))
    throw new CflowError('USAGE', '--sha256 needs 8 to 64 hexadecimal digits', {
      subject: '--sha256',
    })
  if (sha256 === undefined && spec.weights) return { ...spec.weights, url: from }
  if (sha256 === undefined)
    throw new CflowError(
      'USAGE',
      `--from needs --sha256: no weights of ${spec.name} are published`,
      {
        subject: '--sha256',
      },
    )
  const file = new URL(from).pathname.split('/').at(-1) || 'weights'
  return { url: from, file: safeName(file), sha256: sha256.toLowerCase() }
}

/** A file name without anything that a path could be made of. */
const safeName = (name: string): string =>
  decodeURIComponent(name)
    .replaceAll(/[^\w.-]/g, '_')
    .replace(/^\.+/, '_')
