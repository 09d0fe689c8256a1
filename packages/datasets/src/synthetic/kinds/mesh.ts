import { everywhere, paint, put } from '../canvas.js'
import type { Canvas, Colour } from '../canvas.js'
import type { Kind } from '../kind.js'
import { clamp, cos, sin } from '../maths.js'
import { noise } from '../noise.js'
import { paintMeshFlaw } from './mesh-flaws.js'
import { across, lay, threadCoordinates, toneOf } from './mesh-model.js'
import type { Cloth, Gone, Threads } from './mesh-model.js'
import { paintFibres, tearOf } from './mesh-tears.js'

const ground: Colour = [0.018, 0.018, 0.022]

/** An open plain weave of light warp and blue weft over a dark ground. */
export const mesh: Kind = {
  name: 'mesh',
  defects: ['broken_thread', 'contamination', 'hole', 'loose_thread', 'stain'],
  variation: { exposure: 0.15, gradient: 0.12 },
  gap: 0.022,
  paint(canvas, scene, flaw) {
    const cloth = lay(scene)
    const tear = flaw && tearOf(cloth, flaw)
    weave(canvas, cloth, tear?.gone)
    if (tear !== undefined) paintFibres(canvas, tear)
    else if (flaw !== undefined) paintMeshFlaw(canvas, cloth, flaw)
  },
}

function weave(canvas: Canvas, cloth: Cloth, gone: Gone | undefined): void {
  paint(canvas, everywhere, (x, y, out) => {
    const [p, q] = threadCoordinates(cloth, x, y)
    const i = Math.floor(p)
    const j = Math.floor(q)
    const u = p - i - 0.5
    const v = q - j - 0.5
    const over = ((i + j) & 1) === 0 ? 1 : -1
    const a = across(cloth.warp, i, u)
    const b = across(cloth.weft, j, v)
    const hasWarp = Math.abs(a) < 1 && !(gone?.(true, i, x, y, q) ?? false)
    const hasWeft = Math.abs(b) < 1 && !(gone?.(false, j, x, y, p) ?? false)
    const warpHeight = hasWarp ? over * cos(Math.PI * v) + 0.9 * Math.sqrt(1 - a * a) : -9
    const weftHeight = hasWeft ? -over * cos(Math.PI * u) + 0.9 * Math.sqrt(1 - b * b) : -9
    if (!hasWarp && !hasWeft) put(out, ground, 1 + 0.5 * noise(x * 90, y * 90, cloth.seed))
    else if (warpHeight > weftHeight)
      yarn(out, cloth.warp, i, a, over * sin(Math.PI * v), warpHeight, q, cloth.seed, 1)
    else yarn(out, cloth.weft, j, b, -over * sin(Math.PI * u), weftHeight, p, cloth.seed + 9, -1)
    return 1
  })
}

/** Colour of a twisted yarn lit from the upper left. */
function yarn(
  out: Float64Array,
  threads: Threads,
  index: number,
  a: number,
  slope: number,
  height: number,
  along: number,
  seed: number,
  system: number,
): void {
  const twist = sin(2 * Math.PI * (along * 2.6 + a * 0.55 * system) + index)
  const fibre = noise(a * 5 + index * 17, along * 11 + a * 3 * system, seed)
  const facing = 0.62 - 0.42 * a + 0.3 * slope + 0.1 * twist
  const open = clamp(0.42 + 0.3 * height, 0.12, 1)
  const light = clamp(facing, 0.08, 1.3) * open * toneOf(threads, index)
  put(out, threads.colour, light * (1.15 + 0.22 * fibre))
}
