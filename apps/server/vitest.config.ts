import { defineProject, mergeConfig } from 'vitest/config'
import shared, { oneByOne } from '../../vitest.shared.ts'

const { ssr, ...rest } = shared
// vitest gives Node these conditions, too; what the AWS SDK names under "module" is for bundlers only
const conditions = ssr?.resolve?.conditions?.filter((name) => name !== 'module')

export default mergeConfig(
  rest,
  defineProject({
    test: { name: 'server', ...oneByOne },
    ssr: { resolve: { ...ssr?.resolve, ...(conditions && { conditions }) } },
  }),
)
