import { defineProject, mergeConfig } from 'vitest/config'
import shared, { oneByOne } from '../vitest.shared.ts'

// the blocks of a page run one after the other; pages use processors that others use too
export default mergeConfig(
  shared,
  defineProject({
    test: { name: 'docs', ...oneByOne, testTimeout: 300_000, hookTimeout: 300_000 },
  }),
)
