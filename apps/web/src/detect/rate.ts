/** The slider's 0 … 100 as false-positive rates of 0.5 … 50 %, in equal ratios. */
const [least, most] = [0.005, 0.5]

export const rateOf = (position: number): number =>
  Number((least * (most / least) ** (position / 100)).toPrecision(2))

export const positionOf = (rate: number): number =>
  Math.round((100 * Math.log(rate / least)) / Math.log(most / least))
