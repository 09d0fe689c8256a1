import type { RgbImage } from '@cflow/base'

/** Letters of 5×7 pixels, row by row: a font of the system's would look different everywhere, and be missing in containers. */
// prettier-ignore
const glyphs: Readonly<Record<string, readonly number[]>> = {
  'A': [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
  'D': [0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110],
  'G': [0b01110, 0b10001, 0b10000, 0b10111, 0b10001, 0b10001, 0b01110],
  'L': [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
  'M': [0b10001, 0b11011, 0b10101, 0b10101, 0b10001, 0b10001, 0b10001],
  'N': [0b10001, 0b11001, 0b10101, 0b10011, 0b10001, 0b10001, 0b10001],
  'O': [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
  'S': [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110],
  'U': [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
  '0': [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
  '1': [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
  '2': [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
  '3': [0b11111, 0b00010, 0b00100, 0b00010, 0b00001, 0b10001, 0b01110],
  '4': [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
  '5': [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
  '6': [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
  '7': [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
  '8': [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
  '9': [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
  '.': [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100],
  '-': [0b00000, 0b00000, 0b00000, 0b11111, 0b00000, 0b00000, 0b00000],
  '+': [0b00000, 0b00100, 0b00100, 0b11111, 0b00100, 0b00100, 0b00000],
  'e': [0b00000, 0b00000, 0b01110, 0b10001, 0b11111, 0b10000, 0b01110],
  '>': [0b01000, 0b00100, 0b00010, 0b00001, 0b00010, 0b00100, 0b01000],
  '<': [0b00010, 0b00100, 0b01000, 0b10000, 0b01000, 0b00100, 0b00010],
  '=': [0b00000, 0b00000, 0b11111, 0b00000, 0b11111, 0b00000, 0b00000],
}

const [glyphWidth, glyphHeight] = [5, 7]

/** Colours of the ground under the letters. */
const grounds = { good: [16, 96, 48], anomalous: [176, 24, 24] } as const

/**
 * Write lines into the upper left corner of an image, in place: as large as a twentieth of its height, smaller where they do
 * not fit; a line that does not fit at all is left out.
 */
export function drawLabel(image: RgbImage, lines: readonly string[], anomalous: boolean): void {
  const { width, height, data } = image
  const widthOf = (line: string) => line.length * (glyphWidth + 1) + 1
  const lineHeight = glyphHeight + 2
  const fitting = lines.filter((line) => widthOf(line) <= width).slice(0, Math.floor(height / 2 / lineHeight)) // prettier-ignore
  if (fitting.length === 0) return
  const longest = Math.max(...fitting.map(widthOf))
  const wanted = Math.floor(height / 20 / glyphHeight)
  const scale = Math.max(1, Math.min(wanted, Math.floor(width / longest)))
  const ground = grounds[anomalous ? 'anomalous' : 'good']
  for (let y = 0; y < fitting.length * lineHeight * scale; y++)
    for (let x = 0; x < longest * scale; x++) {
      const [column, row] = [Math.floor(x / scale) - 1, Math.floor(y / scale) - 1]
      const line = fitting[Math.floor((row + 1) / lineHeight)]!
      const glyph = glyphs[line[Math.floor(column / (glyphWidth + 1))] ?? '']
      const bits = glyph?.[((row + 1) % lineHeight) - 1] ?? 0
      const bit = column < 0 ? glyphWidth : column % (glyphWidth + 1)
      const set = bit < glyphWidth && (bits >> (glyphWidth - 1 - bit)) & 1
      const at = (y * width + x) * 3
      for (let c = 0; c < 3; c++) data[at + c] = set ? 255 : ground[c]!
    }
}
