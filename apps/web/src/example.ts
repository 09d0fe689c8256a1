import type { NewItem } from './detect/item.js'
import { fetched, unzipped, type OnBytes } from './engine/files.js'

// found by patterns: the files are made by tools/build-example.ts before the site is built
const models = import.meta.glob<string>('../generated/*.gzipped', {
  query: '?url',
  import: 'default',
  eager: true,
})
const images = import.meta.glob<string>('../generated/images/*/*.webp', {
  query: '?url',
  import: 'default',
  eager: true,
})
const pictures = import.meta.glob<string>('../generated/pictures/*.webp', {
  query: '?url',
  import: 'default',
  eager: true,
})

/** The file of one of them. @throws CflowError NETWORK, NOT_FOUND */
export const exampleModel = (kind: string, onBytes: OnBytes): Promise<Blob> =>
  fetched(
    models[`../generated/${kind}.gzipped`] ?? `${kind}.gzipped`,
    `The detector “${kind}”`,
    onBytes,
  ).then(unzipped)

/** The address of its first picture, small. */
export const examplePicture = (kind: string): string =>
  pictures[`../generated/pictures/${kind}.webp`] ?? ''

/**
 * Images that it was not trained on, named by their order and what is in them: `3-cut_insulation.webp`.
 * @throws CflowError NETWORK, NOT_FOUND
 */
export const exampleImages = (kind: string): Promise<NewItem[]> =>
  Promise.all(
    Object.entries(images)
      .filter(([path]) => path.includes(`/${kind}/`))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(async ([path, url]) => {
        const truth = /\d+-(\w+)\.webp$/.exec(path)![1]!
        const name = truth.replaceAll('_', ' ')
        return { name, truth, blob: await fetched(url, `The picture “${name}”`) }
      }),
  )
