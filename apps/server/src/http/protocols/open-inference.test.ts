import { noise, toyDetector, toyManifest } from '@cflow/core/testing'
import { loadDetector } from '@cflow/detector'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { png, serving, upload } from '../../../test/serving.js'

const { url } = await serving()
const library = await loadDetector(toyDetector())
const images = [noise(1, 40, 30), noise(2, 40, 30)]
const own = await library.detectBatch(images)
const infer = `${url}/v2/models/toy/infer`
beforeAll(async () => {
  await upload(url, 'toy')
  await upload(url, 'toy', toyDetector({ ...toyManifest, category: 'second' }))
})
afterAll(() => library.release())

interface Output {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly number[]
  readonly data?: readonly (number | boolean)[]
  readonly parameters?: { readonly binary_data_size: number }
}
interface Answer {
  readonly error?: string
  readonly code?: string
  readonly model_name: string
  readonly model_version: string
  readonly id?: string
  readonly outputs: readonly Output[]
}

const post = (body: BodyInit, headers: Readonly<Record<string, string>> = {}, address = infer) =>
  fetch(address, { method: 'POST', body, headers })
const asked = async (request: object, address?: string) =>
  (await (await post(JSON.stringify(request), {}, address)).json()) as Answer
const binaryRequest = (request: object, ...parts: readonly Uint8Array[]) => {
  const json = Buffer.from(JSON.stringify(request))
  return post(Buffer.concat([json, ...parts]), {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': String(json.length),
  })
}
/** What is after the JSON of an answer, by output. */
async function binaryAnswer(response: Response) {
  const bytes = Buffer.from(await response.arrayBuffer())
  const length = Number(response.headers.get('inference-header-content-length'))
  const answer = JSON.parse(bytes.toString('utf8', 0, length)) as Answer
  let at = length
  const parts = new Map<string, Buffer>()
  for (const { name, parameters } of answer.outputs) {
    const size = parameters!.binary_data_size
    parts.set(name, bytes.subarray(at, at + size))
    at += size
  }
  expect(at).toBe(bytes.length)
  return { answer, parts }
}
const floatsOf = (bytes: Buffer) =>
  Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i))

describe('the Open Inference Protocol', () => {
  it('says what there is', async () => {
    const get = async (path: string) => (await fetch(`${url}${path}`)).json()
    expect(await get('/v2')).toMatchObject({ name: 'cflow', extensions: ['binary_tensor_data', 'model_repository'] }) // prettier-ignore
    expect(await get('/v2/health/live')).toEqual({ live: true })
    expect(await get('/v2/health/ready')).toEqual({ ready: true })
    expect(await get('/v2/models/toy')).toEqual({
      name: 'toy',
      versions: ['1', '2'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'image', datatype: 'UINT8', shape: [-1, -1, -1, 3] }],
      outputs: [
        { name: 'score', datatype: 'FP32', shape: [-1] },
        { name: 'anomaly_map', datatype: 'FP32', shape: [-1, 32, 32] },
        { name: 'anomalous', datatype: 'BOOL', shape: [-1] },
      ],
    })
    expect(await get('/v2/models/toy/versions/2')).toMatchObject({ versions: ['2'] })
    expect(await get('/v2/models/toy/versions/1/ready')).toEqual({ name: 'toy', ready: true })
    const index = await post('', {}, `${url}/v2/repository/index`)
    expect(await index.json()).toEqual([{ name: 'toy', version: '2', state: 'READY', reason: '' }])
    for (const path of ['/v2/models/no', '/v2/models/toy/versions/9', '/v2/models/no/ready']) {
      const response = await fetch(`${url}${path}`)
      expect(response.status).toBe(404)
      // its clients read a text
      expect(await response.json()).toMatchObject({ error: expect.any(String) as string, code: 'NOT_FOUND' }) // prettier-ignore
    }
  })

  it('infers from JSON: pixels flat or nested, and base64', async () => {
    const flat = images.flatMap(({ data }) => Array.from(data))
    const nested = images.map(({ width, height, data }) =>
      Array.from(
        { length: height },
        (_, y) =>
        Array.from({ length: width }, (_, x) => Array.from(data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3))), // prettier-ignore
      ),
    )
    const [{ width, height }] = images as [(typeof images)[0]]
    const uint8 = { name: 'image', datatype: 'UINT8', shape: [2, height, width, 3] }
    const encoded = await Promise.all(images.map(async (i) => Buffer.from(await png(i)).toString('base64'))) // prettier-ignore
    const inputs = [
      { ...uint8, data: flat },
      { ...uint8, data: nested },
      { name: 'image', datatype: 'BYTES', shape: [2], data: encoded },
      { name: 'image', datatype: 'BYTES', shape: [2, 1], data: encoded.map((e) => [e]) },
    ]
    for (const input of inputs) {
      const answer = await asked({ id: '7', inputs: [input] })
      expect(answer).toMatchObject({ model_name: 'toy', model_version: '2', id: '7' })
      const [score, map, anomalous] = answer.outputs
      expect(score).toMatchObject({ name: 'score', datatype: 'FP32', shape: [2] })
      for (const [i, { score: expected }] of own.entries())
        expect(score!.data![i]).toBeCloseTo(expected, 4)
      expect(map).toMatchObject({ name: 'anomaly_map', shape: [2, 32, 32] })
      expect(map!.data![1024]).toBeCloseTo(own[1]!.anomalyMap.data[0]!, 3)
      expect(anomalous!.data).toEqual(own.map((d) => d.anomalous))
    }
    const low = await asked({ parameters: { threshold: -1e9 }, inputs: [inputs[2]], outputs: [{ name: 'anomalous' }] }, `${url}/v2/models/toy/versions/1/infer`) // prettier-ignore
    expect(low).toMatchObject({ model_version: '1', outputs: [{ data: [true, true] }] })
    expect(low.outputs).toHaveLength(1)
  })

  it('infers from binary tensors, and answers them', async () => {
    const [{ width, height }] = images as [(typeof images)[0]]
    const pixels = Buffer.concat(images.map(({ data }) => data))
    const response = await binaryRequest(
      {
        inputs: [{ name: 'image', datatype: 'UINT8', shape: [2, height, width, 3], parameters: { binary_data_size: pixels.length } }], // prettier-ignore
        parameters: { binary_data_output: true },
      },
      pixels,
    )
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    const { answer, parts } = await binaryAnswer(response)
    expect(answer.outputs.map((o) => o.name)).toEqual(['score', 'anomaly_map', 'anomalous'])
    for (const [i, score] of floatsOf(parts.get('score')!).entries())
      expect(score).toBeCloseTo(own[i]!.score, 4)
    const map = floatsOf(parts.get('anomaly_map')!)
    expect(map).toHaveLength(2 * 32 * 32)
    expect(Math.max(...map.slice(1024))).toBeCloseTo(own[1]!.score, 4)
    expect([...parts.get('anomalous')!]).toEqual(own.map((d) => Number(d.anomalous)))

    const files = await Promise.all(images.map(png))
    const strings = files.flatMap((file) => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(file.length)
      return [length, file]
    })
    const bytes = strings.reduce((n, s) => n + s.length, 0)
    const mixed = await binaryRequest(
      {
        inputs: [{ name: 'image', datatype: 'BYTES', shape: [2], parameters: { binary_data_size: bytes } }], // prettier-ignore
        outputs: [{ name: 'score', parameters: { binary_data: true } }],
      },
      ...strings,
    )
    const encoded = await binaryAnswer(mixed)
    for (const [i, score] of floatsOf(encoded.parts.get('score')!).entries())
      expect(score).toBeCloseTo(own[i]!.score, 4)
  })

  it('refuses what does not fit', async () => {
    const image = { name: 'image', datatype: 'UINT8', shape: [1, 2, 2, 3] }
    const cases: readonly (readonly [object, number, string])[] = [
      [{}, 400, 'USAGE'],
      [{ inputs: [] }, 400, 'USAGE'],
      [{ inputs: [{ ...image, data: [1] }] }, 400, 'USAGE'],
      [{ inputs: [{ ...image, data: Array(12).fill(256) as number[] }] }, 400, 'USAGE'],
      [{ inputs: [{ ...image, data: Array(12).fill('1') as string[] }] }, 400, 'USAGE'],
      [{ inputs: [{ ...image, name: 'x', data: [] }] }, 400, 'USAGE'],
      [{ inputs: [{ ...image, datatype: 'FP32', data: [] }] }, 400, 'USAGE'],
      [{ inputs: [{ ...image, shape: [1, 3, 2, 2], data: [] }] }, 400, 'USAGE'],
      [{ inputs: [{ ...image, shape: [1, 65536, 65536, 3], data: [] }] }, 413, 'TOO_LARGE'],
      [{ inputs: [{ ...image, shape: [1e6, 1, 1, 3], data: [] }] }, 413, 'TOO_LARGE'],
      [{ inputs: [{ ...image, parameters: { binary_data_size: 12 } }] }, 400, 'USAGE'],
      [
        { inputs: [{ name: 'image', datatype: 'BYTES', shape: [1], data: ['eA=='] }] },
        422,
        'IMAGE',
      ],
      [{ inputs: [{ ...image, data: Array(12).fill(0) as number[] }], outputs: [{ name: 'y' }] }, 400, 'USAGE'], // prettier-ignore
    ]
    for (const [request, status, code] of cases) {
      const response = await post(JSON.stringify(request))
      expect([response.status, ((await response.json()) as Answer).code], JSON.stringify(request)).toEqual([status, code]) // prettier-ignore
    }
    for (const length of ['99999', '-1', 'x', '1.5'])
      expect((await post('{}', { 'inference-header-content-length': length })).status).toBe(400)
  })
})
