import type { Detection } from '@cflow/detector'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { itemOf, type NewItem } from '../detect/item.js'
import {
  arrived,
  atScale,
  example,
  given as givenItems,
  hasInput,
  initial,
  judgedAs,
  knowing,
  learnFrom,
  learnFromOnly,
  leavingOut,
  marking,
  recounted,
  regionsOf,
  run,
  selecting,
  strict,
  tryOn,
  unreadable,
  wanting,
  without,
  type Running,
  type State,
} from './state.js'
import { createStore } from './store.js'

const image = (name: string): NewItem => ({ name, blob: new Blob([name]) })
const given = (images: readonly NewItem[]) => givenItems(images.map((i) => itemOf(i)))
const file = (name: string) => new Blob([name])
const [exampleFile, ownFile] = [file('example'), file('own')]
const engine = (model: Blob, id: Running['id'] = 'single'): Running => ({
  ...{ id, model, runtime: id },
  manifest: {} as Running['manifest'],
})
const after = (...steps: ((s: State) => State)[]) => steps.reduce((s, f) => f(s), initial)
const names = ({ items }: State) => items.map((i) => i.name)

const tests = [image('example 1'), image('example 2')]
const known = [
  knowing({ id: example, tests }),
  knowing({ id: example, file: exampleFile }),
  knowing({ id: 'own', name: 'own.onnx', file: ownFile, tests: [image('test 1')] }),
]

beforeEach(() => void vi.stubGlobal('URL', { createObjectURL: () => 'blob:' }))

describe('one scale alone', () => {
  it('stays for other images and engines, not for another detector', () => {
    const chosen = after(...known, run(engine(exampleFile)), atScale(1))
    const other = chosen.items[1]!.id
    expect(selecting(other)(chosen).scale).toBe(1)
    expect(run(engine(exampleFile, 'webgpu'))(chosen).scale).toBe(1)
    expect(run(engine(ownFile))(chosen)).not.toHaveProperty('scale')
    expect(atScale()(chosen)).not.toHaveProperty('scale')
  })

  it('has maps that go with the verdict', () => {
    const loaded = after(...known, run(engine(exampleFile)))
    const { id } = loaded.items[0]!
    const judged = judgedAs(id, { scaleMaps: [] })(loaded)
    expect(judged.items[0]).toHaveProperty('scaleMaps')
    expect(run(engine(exampleFile, 'webgpu'))(judged).items[0]).not.toHaveProperty('scaleMaps')
  })
})

describe('images', () => {
  it('given before anything is loaded stay, in front of the example’s', () => {
    const early = after(given([image('mine')]))
    expect(names(early)).toEqual(['mine'])
    const loaded = [...known, run(engine(exampleFile))].reduce((s, f) => f(s), early)
    expect(names(loaded)).toEqual(['mine', 'example 1', 'example 2'])
    expect(loaded.selected).toBe(early.selected)
  })

  it('of the example go when another detector takes over, not before, and a person’s stay', () => {
    const own = after(...known, run(engine(exampleFile)), given([image('mine')]), wanting('own'))
    expect(names(own)).toEqual(['mine', 'example 1', 'example 2'])
    const runs = run(engine(ownFile))(own)
    expect(names(runs)).toEqual(['mine', 'test 1'])
    expect(runs.running).toBe('own')
    const back = run(engine(exampleFile))(wanting(example)(runs))
    expect(names(back)).toEqual(['mine', 'example 1', 'example 2'])
  })

  it('of the example are not shown where another detector is asked for at once', () => {
    const early = after(known[2]!, wanting('own'), known[0]!)
    expect(names(early)).toEqual(['test 1'])
    // the example’s own late arrival changes nothing
    expect(names(known[1]!(early))).toEqual(['test 1'])
  })

  it('are judged anew by another detector; on another engine the selected one and what failed', () => {
    const detection = { score: 1 } as Detection
    let state = after(...known, run(engine(exampleFile)))
    const [first, second] = state.items
    state = judgedAs(second!.id, { detection })(judgedAs(first!.id, { detection })(state))
    const threads = run(engine(exampleFile, 'threads'))(state)
    expect(threads.items.map((i) => i.detection !== undefined)).toEqual([false, true])
    const mine = judgedAs(first!.id, { detection })(given([image('mine')])(state))
    expect(run(engine(ownFile))(mine).items.some((i) => i.detection)).toBe(false)
  })

  it('are removed one by one: the next is selected', () => {
    const state = after(given([image('a'), image('b'), image('c')]))
    const [a, b, c] = state.items.map((i) => i.id) as [number, number, number]
    expect(without([a])(state)).toMatchObject({ selected: b })
    expect(without([c])(selecting(c)(state))).toMatchObject({ selected: b })
    expect(without([c])(selecting(a)(state))).toMatchObject({ selected: a })
    expect(without([a, b, c])(state).selected).toBeUndefined()
  })
})

describe('regions that do not count', () => {
  const regions = [{ x: 0, y: 0, width: 0.5, height: 0.5 }]

  it('are those of a detector, on every engine, and are there again with it', () => {
    const state = after(...known, run(engine(exampleFile)), leavingOut(regions))
    expect(regionsOf(run(engine(exampleFile, 'threads'))(state))).toBe(regions)
    const own = run(engine(ownFile))(state)
    expect(regionsOf(own)).toEqual([])
    expect(regionsOf(run(engine(exampleFile))(own))).toBe(regions)
    expect(regionsOf(leavingOut([])(state))).toEqual([])
    // without a detector there is nothing to leave out from
    expect(leavingOut(regions)(initial)).toBe(initial)
  })

  it('change the score of an image, and give it back', () => {
    const loaded = after(...known, run(engine(exampleFile)))
    const { id } = loaded.items[0]!
    const judged = judgedAs(id, { detection: { score: 9 } as Detection })(loaded)
    const outside = { whole: 9, regions }
    const part = recounted(id, { score: 4, outside })(judged)
    expect(part.items[0]).toMatchObject({ detection: { score: 4 }, outside })
    expect(recounted(id, { score: 9 })(part).items[0]).toEqual(judged.items[0])
    expect(run(engine(ownFile))(given([image('mine')])(part)).items[0]).not.toHaveProperty(
      'outside',
    )
    // one that waits again has no score to change
    expect(recounted(id, { score: 4, outside })(loaded).items[0]).toEqual(loaded.items[0])
  })
})

it('a rate that was asked for is that of a detector, on every engine', () => {
  const state = after(...known, run(engine(exampleFile)), strict(0.1))
  expect(run(engine(exampleFile, 'threads'))(state).rate).toBe(0.1)
  expect(run(engine(ownFile))(state).rate).toBeUndefined()
})

it('a page that has got something is not loaded again', () => {
  expect(hasInput(after(...known, run(engine(exampleFile))))).toBe(false)
  for (const step of [given([image('a')]), wanting('own'), learnFrom([image('a')])])
    expect(hasInput(after(...known, step))).toBe(true)
})

it('images to learn from are marked and removed; made tests go with the last', () => {
  const state = after(learnFrom([image('a'), image('b')]), tryOn(tests))
  const [a, b] = state.training.images
  const failure = { title: '', text: 'damaged' }
  expect(unreadable(b!.id, failure)(state).training.images[1]).toMatchObject({ failure })
  const one = learnFromOnly((i) => i !== a)(state)
  expect(one.training).toMatchObject({ images: [{ name: 'b' }], tests })
  expect(learnFromOnly(() => false)(one).training.tests).toEqual([])
})

it('a store tells of changes only, also of those that a watcher makes', () => {
  const store = createStore(0)
  const seen: number[] = []
  store.watch((n) => {
    if (n === 1) store.change((m) => m + 1)
  })
  store.watch((n) => void seen.push(n))
  store.change((n) => n)
  store.change((n) => n + 1)
  expect(store.state).toBe(2)
  expect(seen).toEqual([0, 2, 2])
})

it('what has come is told in whole per cent, until a detector runs', () => {
  const some = after(arrived(0.123))
  expect(some.loaded).toBe(0.12)
  expect(arrived(0.129)(some)).toBe(some)
  expect([...known, run(engine(exampleFile))].reduce((s, f) => f(s), some).loaded).toBeUndefined()
})

describe('a person’s word', () => {
  const scored = (precision: 'float16' | undefined, ...scores: number[]): State => {
    const calibration = { scores: [1, 2, 3, 4], threshold: 4 }
    const manifest = {
      calibration,
      ...(precision && { precision }),
    } as unknown as Running['manifest']
    const state = after(
      knowing({ id: 'own', file: ownFile }),
      run({ ...engine(ownFile), manifest }),
      given(scores.map((s) => image(String(s)))),
    )
    return state.items.reduce(
      (s, { id, name }) =>
        judgedAs(id, { detection: { score: Number(name) } as unknown as Detection })(s),
      state,
    )
  }
  const idOf = ({ items }: State, name: string) => items.find((i) => i.name === name)!.id

  it('on a missed defect places the threshold below it, and is taken back by saying it again', () => {
    const state = scored(undefined, 2.5, 9)
    const marked = marking(idOf(state, '2.5'), 'defect')(state)
    expect(marked.placed).toBe(2.25)
    expect(marking(idOf(state, '2.5'), 'defect')(marked).placed).toBeUndefined()
    // one that is found anyway changes nothing, and the slider takes a placed threshold back
    expect(marking(idOf(state, '9'), 'defect')(state).placed).toBeUndefined()
    expect(strict(0.1)(marked).placed).toBeUndefined()
  })

  it('places the threshold anew where regions change a score', () => {
    const state = scored(undefined, 2.5, 9)
    const id = idOf(state, '2.5')
    const marked = marking(id, 'defect')(state)
    expect(recounted(id, { score: 1.5 })(marked).placed).toBe(1.25)
    expect(recounted(id, { score: 1.5 })(state).placed).toBeUndefined()
  })

  it('on a good image raises the threshold only where the detector cannot learn it', () => {
    for (const [precision, placed] of [
      [undefined, undefined],
      ['float16', 9],
    ] as const) {
      // prettier-ignore
      const state = scored(precision, 2.5, 9)
      expect(marking(idOf(state, '9'), 'fine')(state).placed).toBe(placed)
    }
  })
})
