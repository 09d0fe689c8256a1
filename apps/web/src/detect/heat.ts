import type { Detection } from '@cflow/detector'
import { heatAlpha, heatColour, heatRange } from '@cflow/report'

/** 256 colours from the range's low end to its high end: red, green, blue, opacity. */
const palette = Uint8Array.from({ length: 1024 }, (_, i) => {
  const t = Math.floor(i / 4) / 255
  return i % 4 === 3 ? Math.round(255 * heatAlpha(t)) : heatColour(t)[i % 4]!
})

/**
 * Paint an anomaly map: transparent where the image is like good ones, the same colour at the threshold in every image,
 * and a white line around the pixels above it, where it is wanted. The page lays it over the photograph and sets its opacity.
 */
export function paintHeat(
  canvas: HTMLCanvasElement | OffscreenCanvas,
  anomalyMap: Detection['anomalyMap'],
  threshold: number,
  hasLine = true,
): void {
  const range = heatRange([anomalyMap], threshold)
  paintRange(canvas, anomalyMap, range, hasLine ? threshold : undefined)
}

/** The map lies over the photograph, whatever its form: their stage takes it. */
export const keepForm = (stage: HTMLElement, image: HTMLImageElement): void =>
  image.addEventListener('load', () =>
    stage.style.setProperty('--ratio', String(image.naturalWidth / image.naturalHeight)),
  )

/**
 * Paint a map in the colours of a range.
 * @param line a white line around the pixels above it
 */
export function paintRange(
  canvas: HTMLCanvasElement | OffscreenCanvas,
  { width, height, data }: Detection['anomalyMap'],
  { low, high }: ReturnType<typeof heatRange>,
  line?: number,
): void {
  const pixels = new ImageData(width, height)
  const scale = 255 / (high - low || 1)
  for (let i = 0; i < data.length; i++) {
    const step = 4 * Math.round(Math.min(Math.max((data[i]! - low) * scale, 0), 255))
    for (let c = 0; c < 4; c++) pixels.data[4 * i + c] = palette[step + c]!
  }
  if (line !== undefined)
    for (const i of edges(data, width, line)) pixels.data.fill(255, 4 * i, 4 * i + 4)
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d') as CanvasRenderingContext2D
  context.putImageData(pixels, 0, 0)
}

/** Pixels above the threshold that have a neighbour in the map that is not. */
function* edges(data: Float32Array, width: number, threshold: number): Generator<number> {
  const below = (i: number) => i >= 0 && i < data.length && data[i]! <= threshold
  for (let i = 0; i < data.length; i++) {
    if (data[i]! <= threshold) continue
    const x = i % width
    if ((x > 0 && below(i - 1)) || (x < width - 1 && below(i + 1))) yield i
    else if (below(i - width) || below(i + width)) yield i
  }
}

/** The colours from "like good images" to "anomalous". */
export function paintLegend(canvas: HTMLCanvasElement): void {
  const { width } = canvas
  const pixels = new ImageData(width, 1)
  for (let x = 0; x < width; x++) {
    const step = 4 * Math.round((255 * x) / (width - 1))
    pixels.data.set(palette.subarray(step, step + 4), 4 * x)
  }
  canvas.getContext('2d')!.putImageData(pixels, 0, 0)
}
