import nx from '@nx/eslint-plugin'
import tseslint from 'typescript-eslint'
import prettier from 'eslint-config-prettier'

/** Which package may import which (DESIGN: arrows point one way; apps assemble). */
const arrows = {
  base: [],
  graph: ['base'],
  metrics: [],
  core: ['base', 'graph'],
  encoders: ['base', 'graph'],
  datasets: ['base'],
  runtimes: ['base', 'graph'],
  detector: ['base', 'core', 'datasets', 'runtimes'],
  baselines: ['base', 'graph', 'core'],
  trainer: [
    'base',
    'graph',
    'core',
    'encoders',
    'datasets',
    'metrics',
    'runtimes',
    'detector',
    'baselines',
  ],
}

export default tseslint.config(
  { ignores: ['**/dist', '**/out-tsc', '**/coverage', '**/*.timestamp*', '**/generated'] },
  ...tseslint.configs.strict,
  {
    plugins: { '@nx': nx },
    files: ['**/src/**/*.ts'],
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          enforceBuildableLibDependency: true,
          depConstraints: [
            ...Object.entries(arrows).map(([name, targets]) => ({
              sourceTag: `scope:${name}`,
              onlyDependOnLibsWithTags: [name, ...targets].map((t) => `scope:${t}`),
            })),
            { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['type:lib'] },
          ],
        },
      ],
    },
  },
  { rules: { '@typescript-eslint/no-non-null-assertion': 'off' } },
  prettier,
)
