import { listEncoders, type EncoderListing } from '@cflow/encoders/node'
import * as z from 'zod'
import { defineCommand } from '../../command.js'
import { megabytes, printJson, table } from '../../io.js'
import { outputShape } from '../../settings/schema.js'

/** `cflow encoders list`. */
export const command = defineCommand({
  settings: z.object(outputShape),
  async run(session) {
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
  },
})

/** An encoder for JSON. */
function entry({ spec, weights: status, path, bytes }: EncoderListing) {
  const { name, taps, mean, std, padding, license } = spec
  const { url, file, sha256, size } = spec.weights ?? {}
  const published = url === undefined ? {} : { published: { url, file, sha256, size } }
  return {
    ...{ name, taps, mean, std, padding, license },
    weights: { status, path, bytes },
    ...published,
  }
}
