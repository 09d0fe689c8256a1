import { expect, it } from 'vitest'
import { maxDots, stripPlot } from '../section/scores.js'
import { lineChart, plotOf } from './plot.js'
import { linearScale } from './scale.js'

const axis = linearScale(0, 1)

it('turns values into positions: low left and at the bottom', () => {
  const plot = plotOf({ width: 200, height: 100, x: axis, y: axis })
  expect([plot.x(0), plot.x(1), plot.y(0), plot.y(1)]).toEqual([
    plot.left,
    plot.right,
    plot.bottom,
    plot.top,
  ])
})

it('draws both axes with labelled ticks, a line through finite points, and describes itself', () => {
  const { text } = lineChart({
    width: 300,
    height: 200,
    x: axis,
    y: axis,
    xLabel: 'across <x>',
    yLabel: 'up',
    lines: [{ x: [0, 0.5, 1], y: [0, NaN, 1], style: 0 }],
    left: 54,
    description: 'a "line"',
  })
  expect(text).toContain('role="img" aria-label="a &quot;line&quot;"')
  expect(text).toContain('across &lt;x&gt;')
  expect(text.match(/>0\.4</g)).toHaveLength(2)
  expect(text).toContain('d="M54 158L276 12"')
  expect(text).not.toContain('NaN')
})

const score = (label: 'good' | 'anomalous', i: number, value: number) => ({
  id: `${label}/${i}`,
  label,
  defect: label === 'good' ? 'good' : 'a_scratch',
  score: value,
  threshold: 2.5,
  anomalous: value > 2.5,
  pValue: 0.5,
})

it('draws one dot per image, good images in the first row', () => {
  const scores = [
    ...[1, 2, 3].map((v, i) => score('anomalous', i, v + 3)),
    ...[1, 2].map((v, i) => score('good', i, v)),
  ]
  const { text } = stripPlot(scores, 2.5, 800, 'wide')
  expect(text.match(/<use /g)).toHaveLength(5)
  expect(text.indexOf('#dot-good')).toBeLessThan(text.indexOf('#dot-anomalous'))
  expect(text).toContain('class="threshold"')
})

it('draws a sample of very many images, the extremes among them', () => {
  const scores = Array.from({ length: 5000 }, (_, i) => score('good', i, i))
  const { text } = stripPlot(scores, 6000, 800, 'wide')
  expect(text.match(/<use /g)!.length).toBeLessThanOrEqual(maxDots)
  expect(text).toContain('good/0:')
  expect(text).toContain('good/4999:')
})

it('draws without a threshold', () => {
  expect(stripPlot([score('good', 0, 1)], NaN, 360, 'narrow').text).not.toContain('NaN"')
})
