/** A number of channels to a multiple of 8, never more than a tenth down (the MobileNets' and EfficientNets' rule). */
export function roundChannels(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8)
  return rounded < 0.9 * channels ? rounded + 8 : rounded
}
