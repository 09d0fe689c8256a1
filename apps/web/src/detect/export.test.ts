import { expect, it } from 'vitest'
import { csvOf, jsonOf, type Result } from './export.js'

const result = (path: string, score: number): Result => ({
  item: { id: 1, name: 'x', path, url: '', blob: new Blob(), truth: 'good', mark: 'fine' },
  verdict: {
    ...{ score, threshold: 2, anomalous: score > 2, falsePositiveRate: 0.05 },
    ...{ guaranteed: true, pValue: 0.25, milliseconds: 1, contributions: [] },
  },
})

it('a table that spreadsheets read as it is meant', () => {
  const lines = csvOf([result('a/1.png', 3), result('b, "c".png', 1), result('=1+1.png', 1)]).split(
    '\r\n',
  )
  expect(lines).toEqual([
    'path,score,threshold,anomalous,p_value,truth,marked',
    'a/1.png,3,2,true,0.25,good,fine',
    '"b, ""c"".png",1,2,false,0.25,good,fine',
    "'=1+1.png,1,2,false,0.25,good,fine",
    '',
  ])
})

it('JSON with the detector that made it', () => {
  expect(JSON.parse(jsonOf([result('a/1.png', 3)], 'bolts'))).toMatchObject({
    detector: 'bolts',
    images: [{ path: 'a/1.png', score: 3, anomalous: true, truth: 'good', marked: 'fine' }],
  })
})
