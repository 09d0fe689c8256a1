import { DetectAnomaliesCommand, LookoutVisionClient } from '@aws-sdk/client-lookoutvision'
import { noise, toyDetector } from '@cflow/core/testing'
import { decodeImage } from '@cflow/datasets/node'
import { loadDetector } from '@cflow/detector'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { png, serving, upload } from '../../../test/serving.js'
import { createToken } from '../auth.js'

const { url, context } = await serving({ requireToken: true })
const library = await loadDetector(toyDetector())
const clientOf = (accessKeyId: string) =>
  new LookoutVisionClient({
    endpoint: url,
    region: 'eu-west-1',
    credentials: { accessKeyId, secretAccessKey: 'any' },
    maxAttempts: 1,
  })
let client: LookoutVisionClient
beforeAll(async () => {
  const { token } = await createToken(context.state, { name: 'line', scopes: ['predict', 'admin'] })
  client = clientOf(token)
  const response = await fetch(`${url}/v1/detectors/part/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', authorization: `Bearer ${token}` },
    body: new Uint8Array(toyDetector()),
  })
  expect(response.status).toBe(201)
  expect((await upload(url, 'part')).status).toBe(401)
})
afterAll(() => library.release())

it('serves the client of AWS', async () => {
  for (const [seed, model] of [
    [1, '1'],
    [2, 'latest'],
  ] as const) {
    // prettier-ignore
    const image = noise(seed, 50, 40)
    const own = await library.detect(image)
    const { DetectAnomalyResult: result } = await client.send(
      new DetectAnomaliesCommand({
        ...{ ProjectName: 'part', ModelVersion: model, ContentType: 'image/png' },
        Body: await png(image),
      }),
    )
    expect(result).toMatchObject({ IsAnomalous: own.anomalous, Source: { Type: 'direct' } })
    expect(result!.Confidence).toBeCloseTo(own.anomalous ? 1 - own.pValue : own.pValue, 6)
    const mask = await decodeImage(result!.AnomalyMask!)
    expect(mask).toMatchObject({ width: 50, height: 40 })
    const share = mask.data.filter((v) => v === 255).length / mask.data.length
    const area = result!.Anomalies!.find((a) => a.Name === 'anomaly')?.PixelAnomaly?.TotalPercentageArea ?? 0 // prettier-ignore
    expect(Math.abs(area - share)).toBeLessThan(0.05)
  }
})

it('tells errors as that client knows them', async () => {
  const detect = (client: LookoutVisionClient, ProjectName: string, Body: Uint8Array) =>
    client.send(
      new DetectAnomaliesCommand({ ProjectName, ModelVersion: '1', ContentType: 'image/png', Body }), // prettier-ignore
    )
  const image = await png(noise(1, 20, 20))
  await expect(detect(client, 'nothing', image)).rejects.toMatchObject({ name: 'ResourceNotFoundException' }) // prettier-ignore
  await expect(detect(client, 'part', Buffer.from('no image'))).rejects.toMatchObject({ name: 'ValidationException' }) // prettier-ignore
  await expect(detect(clientOf('cflow_wrong'), 'part', image)).rejects.toMatchObject({ name: 'AccessDeniedException' }) // prettier-ignore
})
