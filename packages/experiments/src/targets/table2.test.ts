import { expect, it } from 'vitest'
import { selectionSchema } from '../selection.js'
import { columnsOf } from './table2.js'

const columns = (selection: object) =>
  columnsOf(selectionSchema.parse(selection)).map(
    (c) =>
      `${c.encoder} ${c.couplingLayers} ${c.poolLayers} ${c.inputSize} ${c.method} ${c.published}`,
  )

it('has the paper’s nine columns', () => {
  expect(columns({})).toHaveLength(9)
  expect(columns({})[4]).toBe('wide-resnet50-2 8 3 512 uflow 4')
})

it('takes another encoder through the largest one’s combinations, beside its figures', () => {
  expect(columns({ encoders: ['efficientnet-lite0', 'resnet18'] })).toEqual([
    'efficientnet-lite0 4 2 256 cflow 0',
    'efficientnet-lite0 8 2 256 cflow 1',
    'efficientnet-lite0 8 3 256 cflow 2',
    'efficientnet-lite0 8 3 512 cflow 3',
    'efficientnet-lite0 8 3 512 uflow 4',
    'resnet18 8 3 256 cflow 5',
    'resnet18 8 3 512 cflow 6',
  ])
})

it('keeps the sizes and methods that are asked for, and adds sizes that the paper lacks', () => {
  expect(columns({ encoders: ['resnet18'], inputSizes: [128, 256] })).toEqual([
    'resnet18 8 3 256 cflow 5',
    'resnet18 8 3 128 cflow undefined',
  ])
  expect(columns({ methods: ['uflow'] })).toEqual(['wide-resnet50-2 8 3 512 uflow 4'])
})
