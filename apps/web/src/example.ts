import type { NewItem } from './detect/item.js'

// found by patterns: the files are made by tools/build-example.ts before the site is built
const models = import.meta.glob<string>('../generated/*.onnx', {
  query: '?url',
  import: 'default',
  eager: true,
})
const images = import.meta.glob<string>('../generated/images/*.png', {
  query: '?url',
  import: 'default',
  eager: true,
})

const fetched = async (url: string): Promise<Blob> => {
  const response = await fetch(url)
  if (!response.ok)
    throw new Error(`a file of the built-in example is missing (${response.status})`)
  return response.blob()
}

/** The detector that comes with the site. */
export const exampleModel = (): Promise<Blob> => fetched(Object.values(models)[0]!)

/** Its images, which it was not trained on, named by their order and what is in them: `3-cut_insulation.png`. */
export const exampleImages = (): Promise<NewItem[]> =>
  Promise.all(
    Object.entries(images)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(async ([path, url]) => {
        const truth = /\d+-(\w+)\.png$/.exec(path)![1]!
        return { name: truth.replaceAll('_', ' '), truth, blob: await fetched(url) }
      }),
  )
