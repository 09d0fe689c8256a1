import sharp from 'sharp'
import { expect, it } from 'vitest'
import { escaped, picture, pngOf, svgFile } from './draw.js'

it('draws pictures of any format into the PNG, at twice the size', async () => {
  const red = sharp({ create: { width: 8, height: 8, channels: 3, background: '#f00' } })
  const webp = (await red.clone().webp({ lossless: true }).toBuffer()).toString('base64')
  const png = (await red.clone().png().toBuffer()).toString('base64')
  const content =
    picture(0, 0, 10, `data:image/webp;base64,${webp}`) +
    picture(20, 0, 10, `data:image/png;base64,${png}`)
  const { data, info } = await sharp(await pngOf(svgFile(40, 20, content)))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  expect([info.width, info.height]).toEqual([80, 40])
  const pixel = (x: number, y: number) => [...data.subarray(3 * (y * 80 + x), 3 * (y * 80 + x) + 3)]
  expect([pixel(10, 10), pixel(50, 10), pixel(30, 10)]).toEqual([[255, 0, 0], [255, 0, 0], [255, 255, 255]]) // prettier-ignore
})

it('writes text of files as text', () => {
  expect(escaped('<a b="c">&')).toBe('&lt;a b=&quot;c&quot;&gt;&amp;')
})
