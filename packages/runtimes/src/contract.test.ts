import { describe, it } from 'vitest'
import { contract } from './contract.js'
import { drivers as inBrowsers } from './drivers/browser.js'
import { drivers as inNode } from './drivers/node.js'
import { devicesHere } from '../test/devices.js'

const here = await devicesHere([...inNode, ...inBrowsers])

describe.each(here)('$driver.name $device', ({ driver: { open }, device, missing }) => {
  for (const t of contract)
    it(t.name, async (context) => {
      if (missing !== undefined) return context.skip(missing)
      await t.run(await open({ device }))
    })
})
