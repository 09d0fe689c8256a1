/** The classes of MVTec AD, and the input size that the paper found best for each (section 5.3). */
export const bestInputSize = {
  bottle: 512,
  cable: 256,
  capsule: 256,
  carpet: 512,
  grid: 512,
  hazelnut: 256,
  leather: 512,
  metal_nut: 256,
  pill: 256,
  screw: 512,
  tile: 512,
  toothbrush: 512,
  transistor: 128,
  wood: 512,
  zipper: 512,
} as const

export type Category = keyof typeof bestInputSize

/** In the order of the paper's tables. */
export const categories = Object.keys(bestInputSize) as readonly Category[]

export const isCategory = (name: string): name is Category => Object.hasOwn(bestInputSize, name)
