import { CflowError } from '@cflow/base'

/** Text as it may stand in SVG. */
export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;') // prettier-ignore

const style =
  'text{font:13px system-ui,"DejaVu Sans",sans-serif;fill:#1b1f24}.small{font-size:11px;fill:#57606a}.title{font-size:15px;font-weight:600}.normal{fill:#1a7f45;fill-opacity:.2;stroke:#1a7f45;stroke-width:1.6}.anomalous{fill:#c62828;fill-opacity:.2;stroke:#c62828;stroke-width:1.6}.reference{fill:none;stroke:#0b5cad;stroke-width:1.4;stroke-dasharray:5 3}.axis{stroke:#57606a;fill:none}.threshold{stroke:#1b1f24;stroke-width:1.5;stroke-dasharray:5 4}'

/** A picture that needs nothing else, on a white ground. */
export function svgFile(width: number, height: number, content: string, more = ''): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><style>${style}${more}</style><rect width="100%" height="100%" fill="#fff"/>${content}</svg>\n`
}

export function label(x: number, y: number, text: string, kind = '', anchor = 'start'): string {
  return `<text x="${x}" y="${y}" class="${kind}" text-anchor="${anchor}">${escaped(text)}</text>`
}

export const picture = (x: number, y: number, size: number, source: string): string =>
  `<image x="${x}" y="${y}" width="${size}" height="${size}" xlink:href="${source}" preserveAspectRatio="none"/>`

/** Runs of a mask [S, S] as path data, in pixels. */
export function outline(truth: Uint8Array): string {
  const size = Math.round(Math.sqrt(truth.length))
  let path = ''
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      if (!truth[y * size + x]) continue
      const from = x
      while (x < size && truth[y * size + x]) x++
      path += `M${from} ${y}h${x - from}v1h${from - x}z`
    }
  return path
}

/** PNG of a picture, at twice its size. */
export async function pngOf(svg: string): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp').catch((cause: unknown) => {
    throw new CflowError('RUNTIME', 'the image library sharp cannot be loaded', {
      subject: 'sharp',
      hint: 'install it for this platform: npm install --include=optional sharp',
      cause,
    })
  })
  // the renderer of SVG in sharp knows no WebP
  let drawn = svg
  for (const [, source = ''] of new Set(svg.matchAll(/"data:image\/webp;base64,([^"]+)"/g))) {
    const png = await sharp(Buffer.from(source, 'base64')).png().toBuffer()
    drawn = drawn.replaceAll(`image/webp;base64,${source}`, `image/png;base64,${png.toString('base64')}`) // prettier-ignore
  }
  return sharp(Buffer.from(drawn), { density: 144, limitInputPixels: false, unlimited: true })
    .png()
    .toBuffer()
}
