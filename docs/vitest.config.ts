import { defineProject, mergeConfig } from 'vitest/config'
import shared from '../vitest.shared.ts'

// the blocks of a page run one after the other; pages use processors that others use too
export default mergeConfig(
  shared,
  defineProject({
    test: { name: 'docs', fileParallelism: false, testTimeout: 300_000, hookTimeout: 300_000 },
  }),
)
