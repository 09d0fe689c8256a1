import { defineProject, mergeConfig } from 'vitest/config'
import shared, { oneByOne } from '../../vitest.shared.ts'

export default mergeConfig(
  shared,
  defineProject({
    test: { name: 'generators', include: ['*.test.mjs'], testTimeout: 300_000, ...oneByOne },
  }),
)
