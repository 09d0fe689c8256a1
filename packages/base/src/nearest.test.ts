import { expect, it } from 'vitest'
import { didYouMean, nearest } from './nearest.js'

const names = ['resnet18', 'wide-resnet50-2', 'efficientnet-lite0', 'mobilenet-v3-large']

it.each([
  ['resnet-18', 'resnet18'],
  ['resent18', 'resnet18'],
  ['WideResnet50_2', 'wide-resnet50-2'],
  ['eficientnet_lite0', 'efficientnet-lite0'],
  ['mobilenet', 'mobilenet-v3-large'],
  ['vgg16', undefined],
  ['x', undefined],
])('%s is near %s', (word, found) => {
  expect(nearest(word, names)).toBe(found)
})

it('begins a hint, or is nothing', () => {
  expect(didYouMean('learningrate', ['learningRate', 'passes'])).toBe('did you mean learningRate? ')
  expect(didYouMean('speed', ['learningRate', 'passes'])).toBe('')
})
