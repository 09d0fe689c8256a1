import { listEncoders } from '@cflow/encoders/node'
import type { EncoderListing } from '@cflow/encoders/node'
import { printJson } from '../io.js'
import type { Session } from '../io.js'
import { megabytes } from './size.js'
import { table } from './table.js'

/** `cflow encoders list`. */
export async function list(session: Session): Promise<void> {
  const all = await listEncoders()
  if (session.json) return printJson(session, all.map(entry))
  const rows = all.map(({ spec, weights, bytes }) => [
    spec.name,
    spec.taps.map((t) => t.channels).join(' '),
    spec.taps.map((t) => t.stride).join(' '),
    weights === 'missing' ? 'not here' : `${weights} (${megabytes(bytes ?? 0)})`,
    spec.license,
  ])
  session.io.out(table([['NAME', 'CHANNELS', 'STRIDES', 'WEIGHTS', 'LICENCE'], ...rows]))
  if (all.some((e) => e.weights === 'missing'))
    session.io.out(
      "\nFetch missing weights with 'cflow encoders pull NAME', or take them from a file with\n" +
        "'cflow encoders import NAME FILE'.\n",
    )
}

/** An encoder for JSON. */
function entry({ spec, weights, path, bytes }: EncoderListing) {
  const { name, taps, mean, std, padding, license } = spec
  const { url, file, sha256, size } = spec.weights ?? {}
  return {
    name,
    taps,
    mean,
    std,
    padding,
    license,
    weights: { status: weights, path, bytes },
    ...(url !== undefined && { published: { url, file, sha256, size } }),
  }
}
