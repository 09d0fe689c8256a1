import { CflowError, type AnyUrl } from '@cflow/base'

/** Weights that are part of this package, by encoder; bundlers know this form of an address. */
const urls: Readonly<Record<string, URL>> = {
  'efficientnet-lite0': new URL('../weights/efficientnet-lite0.safetensors', import.meta.url),
}

/** Names of the encoders whose weights are part of this package. */
export const embeddedNames: readonly string[] = Object.keys(urls)

/**
 * Where the weights inside this package lie: a `file:` address in Node, an asset's in a bundle. The file is safetensors:
 * `readSafetensors(new Uint8Array(await (await fetch(url)).arrayBuffer()))`.
 * @throws CflowError NOT_FOUND when the package holds no weights of that encoder
 */
export function embeddedWeightsUrl(name: string): AnyUrl {
  const url = embeddedNames.includes(name) ? urls[name] : undefined
  if (url) return url
  throw new CflowError('NOT_FOUND', `the weights of ${name} are not part of this package`, {
    subject: name,
    hint: `only those of ${embeddedNames.join(', ')} are`,
  })
}
