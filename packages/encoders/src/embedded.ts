import { CflowError } from '@cflow/base'

/** Names of the encoders whose weights are part of this package. */
export const embeddedNames: readonly string[] = ['efficientnet-lite0']

/**
 * Where the weights inside this package lie: a `file:` address in Node, an asset's in a bundle (Vite and webpack
 * recognise this form). The file is safetensors: `readSafetensors(new Uint8Array(await (await fetch(url)).arrayBuffer()))`.
 * @throws CflowError NOT_FOUND when the package holds no weights of that encoder
 */
export function embeddedWeightsUrl(name: string): URL {
  if (name === 'efficientnet-lite0')
    return new URL('../weights/efficientnet-lite0.safetensors', import.meta.url)
  throw new CflowError('NOT_FOUND', `the weights of ${name} are not part of this package`, {
    subject: name,
    hint: `only those of ${embeddedNames.join(', ')} are`,
  })
}
