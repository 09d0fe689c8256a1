import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { noise } from '@cflow/core/testing'
import { decodeImage as decode } from './index.browser.js'
import { place } from './place.browser.js'

/** As much of a browser as decoding asks for: bitmaps carry the pixels that the canvas gives back. */
class Drawing {
  readonly kind: string
  constructor(kind: string, sizes: object) {
    this.kind = kind
    Object.assign(this, sizes)
  }
  get [Symbol.toStringTag]() {
    return this.kind
  }
}

const image = noise(1, 3, 2)
const rgba = Uint8ClampedArray.from({ length: 24 }, (_, i) =>
  i % 4 === 3 ? 255 : image.data[3 * Math.floor(i / 4) + (i % 4)]!,
)
const drawn: unknown[][] = []
const bitmapOptions: unknown[] = []
let tainted = false

beforeEach(() => {
  drawn.length = 0
  tainted = false
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      readonly width: number
      readonly height: number
      constructor(width: number, height: number) {
        this.width = width
        this.height = height
      }
      getContext() {
        return {
          drawImage: (...args: unknown[]) => drawn.push(args.slice(1)),
          getImageData: (_x: number, _y: number, width: number, height: number) => {
            if (tainted) throw new Error('tainted')
            return { width, height, data: rgba }
          },
        }
      }
    },
  )
  vi.stubGlobal('createImageBitmap', async (blob: Blob, options: object) => {
    bitmapOptions.push(options)
    if ((await blob.text()).includes('bad')) throw new Error('no image')
    return new Drawing('ImageBitmap', { width: 3, height: 2, close: () => undefined })
  })
})
afterEach(() => vi.unstubAllGlobals())

describe('in browsers an image is taken', () => {
  it.each([
    ['ImageBitmap', { width: 3, height: 2 }],
    ['HTMLCanvasElement', { width: 3, height: 2 }],
    ['OffscreenCanvas', { width: 3, height: 2 }],
    ['HTMLImageElement', { width: 9, naturalWidth: 3, naturalHeight: 2, decode: async () => {} }],
    ['HTMLVideoElement', { width: 9, videoWidth: 3, videoHeight: 2 }],
    ['VideoFrame', { displayWidth: 3, displayHeight: 2 }],
  ])('as %s, at its own size', async (kind, sizes) => {
    expect(await decode(new Drawing(kind, sizes) as unknown as ImageBitmap)).toEqual(image)
    expect(drawn).toEqual([[0, 0, 3, 2]])
  })

  it('as pixels, bytes and Blob; EXIF applied, colour profiles not', async () => {
    expect(await decode(image)).toEqual(image)
    expect(await decode({ width: 3, height: 2, data: rgba })).toEqual(image)
    expect(await decode(Uint8Array.of(1))).toEqual(image)
    expect(await decode(new Blob(['x']))).toEqual(image)
    expect(bitmapOptions.at(-1)).toMatchObject({
      imageOrientation: 'from-image',
      colorSpaceConversion: 'none',
    })
  })

  it('or refused with the reason', async () => {
    const refused = (source: unknown, code: string, subject?: string) =>
      expect(decode(source as Blob)).rejects.toMatchObject({
        name: 'CflowError',
        code,
        ...(subject === undefined ? {} : { subject }),
      })
    await refused(new File(['bad'], 'a.jpg'), 'IMAGE', 'a.jpg')
    await refused(new Drawing('HTMLVideoElement', { videoWidth: 0, videoHeight: 0 }), 'IMAGE')
    await refused(new Drawing('ImageBitmap', { width: 1e5, height: 1e5 }), 'IMAGE')
    const decodeFails = { naturalWidth: 3, decode: () => Promise.reject(new Error('404')) }
    await refused(
      new Drawing('HTMLImageElement', { ...decodeFails, currentSrc: '/x' }),
      'IMAGE',
      '/x',
    )
    tainted = true
    await refused(new Drawing('ImageBitmap', { width: 3, height: 2 }), 'IMAGE')
    await refused(new Drawing('HTMLDivElement', {}), 'IMAGE')
    await refused(null, 'IMAGE')
  })
})

it('makes addresses absolute by the page', () => {
  vi.stubGlobal('document', { baseURI: 'https://a.example/b/' })
  expect(place.locate('model.onnx')).toEqual({ url: 'https://a.example/b/model.onnx' })
  vi.stubGlobal('document', undefined)
  vi.stubGlobal('location', { href: 'https://a.example/worker.js' })
  expect(place.locate('model.onnx')).toEqual({ url: 'https://a.example/model.onnx' })
})
