import type { Random } from '@cflow/base'
import { around, put, tint } from '../canvas.js'
import type { Canvas, Colour } from '../canvas.js'
import type { Flaw } from '../kind.js'
import { clamp, smoothstep } from '../maths.js'
import { noise } from '../noise.js'
import { blob, blobDistance, blobReach, wander } from '../shapes.js'
import { paintDirt } from './dirt.js'
import { stroke, strokeShadow } from '../stroke.js'
import { spot, yarnColours } from './mesh-model.js'
import type { Cloth } from './mesh-model.js'

/** Paint what lies on top of the cloth. */
export function paintMeshFlaw(canvas: Canvas, cloth: Cloth, flaw: Flaw): void {
  const { random } = flaw
  if (flaw.type === 'contamination') {
    const [x, y] = spot(random)
    paintDirt(canvas, blob(x, y, random.uniform(0.034, 0.052), 0.35, random), random)
  } else if (flaw.type === 'stain') paintStain(canvas, random)
  else if (flaw.type === 'loose_thread') paintLooseThread(canvas, cloth, random)
}

const inks: readonly Colour[] = [
  [0.75, 0.16, 0.14],
  [0.35, 0.3, 0.2],
  [0.25, 0.6, 0.3],
]

function paintStain(canvas: Canvas, random: Random): void {
  const [x, y] = spot(random)
  const b = blob(x, y, random.uniform(0.05, 0.085), 0.25, random)
  const ink = inks[random.integer(inks.length)]!
  tint(canvas, around(x, y, blobReach(b)), (px, py, out) => {
    const d = blobDistance(b, px, py)
    const soaked = 1 - smoothstep(-0.35 * b.radius, 0.05 * b.radius, d)
    const rim = clamp(1 - Math.abs(d / b.radius + 0.12) * 6) * 0.15
    for (let c = 0; c < 3; c++) out[c] = 1 - soaked * (1 - ink[c]!) * (0.85 + rim)
  })
}

function paintLooseThread(canvas: Canvas, cloth: Cloth, random: Random): void {
  const start = spot(random)
  const line = wander(start, random.uniform(0, 6.28), 34, 0.0095, 0.2, random)
  const radius = random.uniform(0.009, 0.012)
  strokeShadow(canvas, line, radius, 0.008, 0.7)
  stroke(canvas, line, radius, (across, along, out) => {
    const fibre = noise(across * 3 + along * 2, along * 5, cloth.seed + 77)
    put(out, yarnColours.warp, clamp(0.85 - 0.45 * across, 0.1, 1.3) * (1.1 + 0.25 * fibre))
  })
}
