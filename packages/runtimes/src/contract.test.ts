import { describe, it } from 'vitest'
import { contract } from './contract.js'
import { drivers as inBrowsers } from './drivers/browser.js'
import { drivers as inNode } from './drivers/node.js'

describe.each([...inNode, ...inBrowsers])('$name', ({ open }) => {
  for (const t of contract) it(t.name, async () => t.run(await open({})))
})
