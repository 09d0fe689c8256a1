import { CflowError } from '@cflow/base'
import { describe, expect, it } from 'vitest'
import { methodOf, methods, resolveConfig, trainSettings, type SettingMeta } from './index.js'

describe('settings', () => {
  it('name the field that is wrong', () => {
    expect(() => resolveConfig({ passes: -1 })).toThrow(/passes/)
    expect(() => resolveConfig({ inputSize: 31 })).toThrow(/inputSize/)
    expect(() => resolveConfig({ recipe: 'x' })).toThrow(CflowError)
    expect(() => resolveConfig({ recipe: 'constructor' })).toThrow(/no recipe constructor/)
  })

  it('of another method are refused by name, and so are those that make no detector', () => {
    const refused = (options: object, pattern: RegExp) =>
      expect(() => resolveConfig(options)).toThrow(pattern)
    refused({ method: 'padim', neighbours: 3 }, /neighbours is no setting of PaDiM/)
    refused({ method: 'spade', passes: 3 }, /passes is no setting of SPADE/)
    refused({ method: 'dfr', recipe: 'paper' }, /recipe is no setting of DFR/)
    refused({ channels: 3 }, /channels is no setting of CFLOW-AD/)
    refused({ method: 'vae' }, /no method vae/)
    refused({ method: 'dfr', variance: 2 }, /variance/)
    refused({ method: 'padim', inputSize: 100 }, /multiple of 32/)
    refused({ method: 'differnet', inputSize: 96, imageScales: 2 }, /multiple of 64/)
  })

  it('are complete: method and recipe, and all that the recipe chooses', () => {
    expect(resolveConfig()).toMatchObject({ method: 'cflow', recipe: 'whitened', whitening: true })
    const paper = resolveConfig({ recipe: 'paper', passes: 2, seed: undefined })
    expect(paper).toMatchObject({ recipe: 'paper', passes: 2, seed: 0, schedule: 'paper' })
    expect(resolveConfig({ method: 'padim' })).toMatchObject({ method: 'padim', recipe: 'default' })
    for (const { name, recipes, settings } of methods)
      for (const recipe of Object.values(recipes)) {
        const config = { method: name, ...settings.parse(recipe) }
        expect(resolveConfig(config)).toMatchObject(config)
      }
  })

  it('have help, and one schema wherever they stand', () => {
    for (const { settings } of methods)
      for (const [name, schema] of Object.entries(settings.shape)) {
        const meta = schema.meta() as SettingMeta | undefined
        expect(meta?.help, name).toMatch(/^[^()]+[^.]$/s)
        expect(meta?.group, name).toBeTruthy()
        if (!meta?.internal) expect(trainSettings.shape).toHaveProperty(name)
      }
    expect(Object.keys(trainSettings.shape)).not.toContain('schedule')
    expect(methodOf('dfr').settings.shape['passes']).toBe(
      methodOf('cflow').settings.shape['passes'],
    )
  })
})
