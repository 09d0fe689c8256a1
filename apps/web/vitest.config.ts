import { defineProject, mergeConfig } from 'vitest/config'
import shared, { oneByOne } from '../../vitest.shared.ts'

export default mergeConfig(
  shared,
  // a browser trains, and the site is built first when it is not there
  defineProject({
    test: { name: 'web', testTimeout: 300_000, hookTimeout: 300_000, ...oneByOne },
  }),
)
