import { CflowError, tensor, type Tensor } from '@cflow/base'
import type { Weights } from '@cflow/weights'
import { describe, expect, it } from 'vitest'
import { goldenWeights } from '../test/golden.js'
import { encoderSpec, fitWeights } from './index.js'

const { name, parameters } = encoderSpec('mobilenet-v3-small')
const weights = goldenWeights(parameters)

/** The same weights under a prefix, each number plus `more`. */
const under = (prefix: string, more = 0): [string, Tensor][] =>
  [...weights].map(([key, t]) => [
    prefix + key,
    tensor(
      'float32',
      t.shape,
      (t.data as Float32Array).map((v) => v + more),
    ),
  ])
const fit = (file: Weights, key?: string) => fitWeights(parameters, file, name, { key })
const firstOf = (file: Weights, key?: string) => fit(file, key).get('features.0.0.weight')!.data[0]!
const first = weights.get('features.0.0.weight')!.data[0] as number

describe('several sets of weights in a file', () => {
  it.each([
    ['state_dict.', 'state_dict_ema.', 'state_dict_ema'],
    ['student.backbone.', 'teacher.backbone.', 'teacher'],
    ['model.module.', 'ema.module.', 'ema.module'],
    ['', 'ema.', 'ema'],
  ])('%s beside %s are asked for', (one, other, key) => {
    const file = new Map([...under(one), ...under(other, 1)])
    expect(() => fit(file)).toThrow(CflowError)
    try {
      fit(file)
    } catch (error) {
      const [a, b] = [one, other].map((p) => p.replace(/\.$/, '') || '.')
      expect(error).toMatchObject({
        ...{ code: 'WEIGHTS', message: expect.stringContaining(`${a}, ${b}`) as string },
        hint: expect.stringContaining(`--weights-key ${b}`) as string,
      })
    }
    expect(firstOf(file, key)).toBeCloseTo(first + 1, 5)
    expect(firstOf(file, one === '' ? '.' : one)).toBeCloseTo(first, 5)
  })

  it('that are the same need no choice, nor do those of which one is whole', () => {
    expect(firstOf(new Map([...under('a.'), ...under('b.')]))).toBe(first)
    const broken = under('b.', 1).filter(([key]) => !key.endsWith('features.7.block.0.0.weight'))
    expect(firstOf(new Map([...broken, ...under('a.')]))).toBe(first)
  })

  it('under a key that is not there: those that are', () => {
    const file = new Map([...under('student.'), ...under('teacher.', 1)])
    expect(() => fit(file, 'ema')).toThrow(/no weights of mobilenet-v3-small under ema/)
    expect(() => fit(file, 'ema')).toThrow(expect.objectContaining({ hint: 'it has student, teacher' })) // prettier-ignore
  })
})

describe('numbers that weights cannot be', () => {
  const changed = (key: string, value: number) => {
    const t = weights.get(key)!
    const data = (t.data as Float32Array).slice()
    data[2] = value
    return new Map([...weights, [key, tensor('float32', t.shape, data)]])
  }

  it.each([
    ['features.1.block.0.0.weight', NaN, /features\.1\.block\.0\.0\.weight holds NaN/],
    ['features.0.1.bias', Infinity, /features\.0\.1\.bias holds infinite numbers/],
    [
      'features.2.block.0.1.running_var',
      -0.01,
      /features\.2\.block\.0\.1\.running_var holds negative numbers/,
    ],
  ])('%s with %d', (key, value, message) => {
    expect(() => fit(changed(key, value))).toThrow(message)
    expect(() => fit(changed(key, value))).toThrow(expect.objectContaining({ code: 'WEIGHTS', subject: key })) // prettier-ignore
  })
})

it('a tensor of a type that is not read does harm only where it is needed', () => {
  const unread = (key: string) => Object.assign(new Map(weights), { unread: new Map([[key, 'float8_e4m3fn']]) }) // prettier-ignore
  expect(firstOf(unread('head.weight'))).toBe(first)
  const needed = unread('features.0.0.weight')
  needed.delete('features.0.0.weight')
  expect(() => fit(needed)).toThrow(/features\.0\.0\.weight holds float8_e4m3fn, which is not read/)
})
