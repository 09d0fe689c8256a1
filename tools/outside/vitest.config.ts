import { defineProject, mergeConfig } from 'vitest/config'
import shared, { oneByOne } from '../../vitest.shared.ts'

// the packages as others get them: packed, installed outside of the workspace, and used there
export default mergeConfig(
  shared,
  defineProject({
    test: { name: 'outside', include: ['*.test.mjs'], hookTimeout: 300_000, ...oneByOne },
  }),
)
