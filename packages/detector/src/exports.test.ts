import { expect, it } from 'vitest'
import { loadDetector } from '@cflow/detector'
import * as browser from './index.browser.js'
import * as node from './index.node.js'

it('the package’s name leads to the entry for Node here, with the same names as in browsers', () => {
  expect(loadDetector).toBe(node.loadDetector)
  expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort())
})
