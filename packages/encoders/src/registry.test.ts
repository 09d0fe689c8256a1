import { CflowError } from '@cflow/base'
import { describe, expect, it } from 'vitest'
import { encoderNames, encoderSpec } from './index.js'

describe('the registry', () => {
  it('knows every name it lists', () => {
    for (const name of encoderNames) {
      const spec = encoderSpec(name)
      expect(spec.name).toBe(name)
      expect(spec.taps.map((t) => t.stride)).toEqual([8, 16, 32])
      expect(new Set(spec.parameters.map((p) => p.key)).size).toBe(spec.parameters.length)
      expect(new Set(spec.parameters.map((p) => p.alias ?? p.key)).size).toBe(
        spec.parameters.length,
      )
    }
  })

  it('lists the names when one is unknown', () => {
    for (const name of ['resnet1000', '__proto__', 'constructor', ''])
      try {
        encoderSpec(name)
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(CflowError)
        expect(error).toMatchObject({ code: 'NOT_FOUND', subject: name })
        expect((error as CflowError).hint).toContain('efficientnet-lite0')
      }
  })

  it('understands underscores and capitals', () => {
    expect(encoderSpec('EfficientNet_Lite0').name).toBe('efficientnet-lite0')
  })
})

describe('padding', () => {
  it("is the ResNets' choice", () => {
    expect(encoderSpec('resnet18').padding).toBe('reflect')
    expect(encoderSpec('resnet18', { padding: 'zeros' }).padding).toBe('zeros')
    expect(() => encoderSpec('efficientnet-lite0', { padding: 'reflect' })).toThrow(CflowError)
    expect(() => encoderSpec('mobilenet-v3-large', { padding: 'reflect' })).toThrow(CflowError)
  })
})
