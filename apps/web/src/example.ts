import description from '../generated/example.json'
import model from '../generated/example.onnx?url'
import type { NewItem } from './detect/item.js'

const urls = import.meta.glob<string>('../generated/images/*.png', {
  query: '?url',
  import: 'default',
  eager: true,
})

const fetched = async (url: string): Promise<Blob> => {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`a file of the built-in example is missing (${response.status})`)
  return response.blob()
}

/** The detector that comes with the site. */
export const exampleModel = (): Promise<Blob> => fetched(model)

/** Its images, which it was not trained on. */
export const exampleImages = (): Promise<NewItem[]> =>
  Promise.all(
    description.images.map(async ({ file, defect }) => ({
      name: defect.replaceAll('_', ' '),
      truth: defect,
      blob: await fetched(urls[`../generated/images/${file}`]!),
    })),
  )
