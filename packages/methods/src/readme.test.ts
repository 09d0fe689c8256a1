import { expectReadmeExample } from '@cflow/base/testing'
import { expect, it } from 'vitest'
import { methodOf, methods, resolveConfig } from '@cflow/methods'

const names = methods.map(({ name }) => name) // the first is the default
const config = resolveConfig({ method: 'padim', inputSize: 128, channels: 50 }) // complete, or says what is wrong
const { title, recipes, settings } = methodOf('spade')
const help = settings.shape.neighbours.meta()?.['help'] // and placeholder, group: what flags are made of

it('runs the example of the README', () => {
  expect(names).toContain(config.method)
  expect(config).toMatchObject({ recipe: 'default', channels: 50, heldOut: 0.2 })
  expect([title, Object.keys(recipes)]).toEqual(['SPADE', ['default']])
  expect(help).toContain('nearest training images')
  expectReadmeExample(import.meta.url)
})
