/**
 * Google's Turbo colour map (A. Mikhailov 2019, Apache-2.0), its published polynomial fit: blue, green, yellow, red in
 * smooth steps, without the false edges of "jet".
 */
const red = [0.13572138, 4.6153926, -42.66032258, 132.13108234, -152.94239396, 59.28637943]
const green = [0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604]
const blue = [0.1066733, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973]

/** Colour of t in 0..1 (values outside are held at the ends): red, green and blue in 0..255. */
export function turbo(t: number): readonly [number, number, number] {
  const x = Math.min(1, Math.max(0, t))
  return [channel(red, x), channel(green, x), channel(blue, x)]
}

function channel(coefficients: readonly number[], x: number): number {
  const value = coefficients.reduceRight((sum, c) => sum * x + c, 0)
  return Math.round(255 * Math.min(1, Math.max(0, value)))
}
