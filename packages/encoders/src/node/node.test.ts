import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { temporaryFolder } from '@cflow/base/testing'
import { writeSafetensors, type Weights } from '@cflow/weights'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { goldenWeights } from '../../test/golden.js'
import { encoderNames, encoderSpec } from '../index.js'
import { importWeights, listEncoders, loadEncoderWeights, pullWeights } from '../node.js'

const name = 'mobilenet-v3-small'
const spec = encoderSpec(name)
const weights = goldenWeights(spec.parameters)
const file = writeSafetensors(weights)
const sha256 = createHash('sha256').update(file).digest('hex')

const root = await temporaryFolder('encoders')
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(root, 'test-'))
  vi.stubEnv('CFLOW_HOME', join(folder, 'home'))
})
afterEach(() => vi.unstubAllEnvs())

const stored = (bytes: Uint8Array, as = 'file.safetensors') => {
  const path = join(folder, as)
  writeFileSync(path, bytes)
  return path
}
const expectSame = (found: Weights) => expect(Buffer.compare(writeSafetensors(found), file)).toBe(0)
const availability = async (of: string) =>
  (await listEncoders()).find((e) => e.spec.name === of)?.weights

describe('loadEncoderWeights', () => {
  it('has the default at once', async () => {
    const found = await loadEncoderWeights('efficientnet-lite0')
    expect(found.size).toBe(encoderSpec('efficientnet-lite0').parameters.length)
  })

  it('reads a file that is given', async () => {
    const found = await loadEncoderWeights(name, { weights: stored(file) })
    expect([...found.keys()]).toEqual(spec.parameters.map((p) => p.key))
    expectSame(found)
  })

  it('says what to do when there are none', async () => {
    const failed = loadEncoderWeights('MobileNet_V3_Small')
    await expect(failed).rejects.toMatchObject({
      code: 'WEIGHTS',
      subject: name,
      hint: expect.stringMatching(/cflow encoders pull.*--weights FILE/) as string,
    })
    const missing = loadEncoderWeights(name, { weights: join(folder, 'none.pth') })
    await expect(missing).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const damaged = loadEncoderWeights(name, { weights: stored(file.subarray(0, 1000)) })
    await expect(damaged).rejects.toThrow(/file\.safetensors: not a valid safetensors file/)
  })
})

describe('importWeights', () => {
  it('keeps what the encoder needs', async () => {
    const more = new Map([...weights].reverse()).set(
      'classifier.3.bias',
      weights.get('features.0.1.bias')!,
    )
    expect(await availability(name)).toBe('missing')
    const path = await importWeights(name, stored(writeSafetensors(more)))
    expect(path).toBe(join(folder, 'home', 'encoders', `${name}.safetensors`))
    expect(readdirSync(join(folder, 'home', 'encoders'))).toEqual([`${name}.safetensors`])
    expectSame(await loadEncoderWeights(name))
    expect(await availability(name)).toBe('cached')
  })

  it("refuses another encoder's and the default's", async () => {
    const lite = writeSafetensors(await loadEncoderWeights('efficientnet-lite0'))
    const failed = importWeights(name, stored(lite))
    await expect(failed).rejects.toMatchObject({ code: 'WEIGHTS', subject: 'features.0.0.weight' })
    await expect(failed).rejects.toThrow(
      /not weights of mobilenet-v3-small: missing features\.0\.0/,
    )
    const own = importWeights('efficientnet-lite0', stored(lite))
    await expect(own).rejects.toMatchObject({ code: 'USAGE' })
    expect(await availability(name)).toBe('missing')
  })
})

describe('pullWeights', () => {
  it('downloads once and leaves only the converted file', async () => {
    let requests = 0
    const server = createServer((_, response) => void response.end(file, () => requests++))
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/w.safetensors`
    const source = { url, file: 'w.safetensors', sha256 }
    try {
      const path = await pullWeights(name, { source })
      expect(await pullWeights(name, { source })).toBe(path)
      expect(requests).toBe(1)
      expect(readdirSync(join(folder, 'home', 'downloads'))).toEqual([])
      expectSame(await loadEncoderWeights(name))
      const header = new TextDecoder().decode(readFileSync(path).subarray(8, 200))
      expect(header).toContain('"source":"w.safetensors"')
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it('names the way around the network', async () => {
    const url = 'http://127.0.0.1:9/w.pth'
    const source = { url, file: 'w.pth', sha256 }
    const failed = pullWeights(name, { source, attempts: 1 })
    await expect(failed).rejects.toMatchObject({
      code: 'NETWORK',
      hint: expect.stringMatching(
        /--weights FILE.*cflow encoders import mobilenet-v3-small FILE/,
      ) as string,
    })
  })

  it('needs no network for the default', async () => {
    expect(await pullWeights('efficientnet-lite0')).toMatch(/efficientnet-lite0\.safetensors$/)
  })
})

describe('listEncoders', () => {
  it('lists all, the default first', async () => {
    const all = await listEncoders()
    expect(all.map((e) => e.spec.name)).toEqual(encoderNames)
    expect(all[0]).toMatchObject({ weights: 'embedded', bytes: 9_571_056 })
    expect(all.slice(1).every((e) => e.weights === 'missing' && e.spec.weights)).toBe(true)
  })
})
