import type { Contribution, Detection } from './detection.js'

const number = (v: number): string => String(Number(v.toPrecision(3)))

/** Fine, middle or coarse, by its place among the strides of the detector. */
function nameOf({ stride }: Contribution, all: readonly Contribution[]): string {
  const strides = [...new Set(all.map((c) => c.stride))].sort((a, b) => a - b)
  if (strides.length === 1) return 'scale'
  if (stride === strides[0]) return 'fine scale'
  return stride === strides.at(-1) ? 'coarse scale' : 'middle scale'
}

function whereFrom(contributions: readonly Contribution[]): string {
  const [first] = [...contributions].sort((a, b) => b.share - a.share)
  if (!first || first.share === 0 || contributions.length === 1) return ''
  if (first.share < 0.5) return '; all scales have a part in it'
  return `; mostly the ${nameOf(first, contributions)} (stride ${number(first.stride)})`
}

/**
 * A detection in one sentence for people, such as "score 12.3 is above the threshold 9.1 (false-positive rate 5 %);
 * mostly the coarse scale (stride 32)". The scale is named for anomalous images, where one has at least half the share.
 */
export function explain(detection: Detection): string {
  const { score, threshold, anomalous, falsePositiveRate, guaranteed, contributions } = detection
  const verb = anomalous ? 'is above' : 'is not above'
  const rate = `false-positive rate ${number(100 * falsePositiveRate)} %`
  const doubt = guaranteed ? '' : ', not guaranteed'
  const sentence = `score ${number(score)} ${verb} the threshold ${number(threshold)} (${rate}${doubt})`
  return anomalous ? sentence + whereFrom(contributions) : sentence
}
