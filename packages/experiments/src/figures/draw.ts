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

/** A curve or histogram over bins of equal width between `low` and `high`. */
export interface Density {
  readonly values: readonly number[]
  readonly kind: 'normal' | 'anomalous' | 'reference'
}

export interface DensityChart {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly low: number
  readonly high: number
  readonly title: string
  readonly axis: string
  readonly densities: readonly Density[]
  readonly threshold?: { readonly at: number; readonly text: string }
}

/** Densities over one axis, each scaled by the tallest of all. */
export function densityChart(chart: DensityChart): string {
  const { x, y, width, height, low, high, title, axis, densities, threshold } = chart
  const top = y + 22
  const bottom = y + height - 36
  const tallest = Math.max(...densities.flatMap((d) => d.values), Number.MIN_VALUE)
  const across = (value: number) => x + (width * (value - low)) / (high - low)
  const up = (value: number) => bottom - ((bottom - top) * value) / tallest
  const round = (value: number) => Math.round(value * 10) / 10
  const curves = densities.map(({ values, kind }) => {
    const step = (high - low) / values.length
    const points = values.map((v, i) => `${round(across(low + (i + 0.5) * step))} ${round(up(v))}`)
    const path =
      kind === 'reference'
        ? `M${points.join('L')}`
        : `M${x} ${bottom}L${points.join('L')}L${x + width} ${bottom}Z`
    return `<path class="${kind}" d="${path}"/>`
  })
  const ticks = Array.from({ length: 6 }, (_, i) => {
    const value = low + ((high - low) * i) / 5
    return label(
      across(value),
      bottom + 16,
      String(Number(value.toPrecision(3))),
      'small',
      'middle',
    )
  })
  const line = threshold
    ? `<path class="threshold" d="M${round(across(threshold.at))} ${top - 4}V${bottom}"/>${label(across(threshold.at) + 5, top + 6, threshold.text)}`
    : ''
  return `${label(x, y + 10, title, 'title')}${curves.join('')}<path class="axis" d="M${x} ${bottom}H${x + width}"/>${ticks.join('')}${label(x + width / 2, bottom + 32, axis, 'small', 'middle')}${line}`
}

/** Shares of values in bins between two borders, as a density; values beyond are left out. */
export function binned(
  values: ArrayLike<number>,
  low: number,
  high: number,
  bins: number,
): readonly number[] {
  const counts = new Array<number>(bins).fill(0)
  for (let i = 0; i < values.length; i++) {
    const bin = Math.floor((((values[i] as number) - low) / (high - low)) * bins)
    if (bin >= 0 && bin < bins) counts[bin]! += 1
  }
  const area = (values.length * (high - low)) / bins
  return counts.map((c) => c / Math.max(area, 1e-12))
}
