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

it('what regions leave out, where they do', () => {
  const regions = [
    { x: 0.5, y: 0, width: 1 / 3, height: 1 },
    { x: 0, y: 0, width: 0.1, height: 0.1 },
  ]
  const part = result('a.png', 1)
  const results = [
    { ...part, item: { ...part.item, outside: { whole: 3, regions } } },
    result('b.png', 1),
  ]
  expect(csvOf(results).split('\r\n')).toEqual([
    'path,score,threshold,anomalous,p_value,truth,marked,whole_score,regions_left_out',
    'a.png,1,2,false,0.25,good,fine,3,0.5 0 0.3333 1; 0 0 0.1 0.1',
    'b.png,1,2,false,0.25,good,fine,1,',
    '',
  ])
  const { images } = JSON.parse(jsonOf(results, 'bolts')) as { images: object[] }
  expect(images[0]).toMatchObject({ score: 1, wholeScore: 3, regionsLeftOut: regions })
  expect(images[1]).not.toHaveProperty('regionsLeftOut')
})

it('JSON with the detector that made it', () => {
  expect(JSON.parse(jsonOf([result('a/1.png', 3)], 'bolts'))).toMatchObject({
    detector: 'bolts',
    images: [{ path: 'a/1.png', score: 3, anomalous: true, truth: 'good', marked: 'fine' }],
  })
})
