import nx from '@nx/eslint-plugin'
import tseslint from 'typescript-eslint'
import prettier from 'eslint-config-prettier'

/** Which package may import which (DESIGN: arrows point one way; apps assemble). */
const arrows = {
  base: [],
  graph: ['base'],
  metrics: [],
  client: [],
  core: ['base', 'graph'],
  weights: ['base'],
  encoders: ['base', 'graph', 'core', 'runtimes', 'weights'],
  datasets: ['base'],
  runtimes: ['base', 'graph'],
  detector: ['base', 'graph', 'core', 'datasets', 'runtimes'],
  quantization: ['base', 'graph', 'core', 'runtimes', 'detector'],
  report: ['base', 'core', 'metrics', 'detector'],
  methods: ['base', 'graph', 'core', 'encoders', 'runtimes'],
  trainer: [
    'base',
    'graph',
    'core',
    'weights',
    'encoders',
    'datasets',
    'metrics',
    'runtimes',
    'detector',
    'methods',
    'report',
  ],
  experiments: [
    'base',
    'graph',
    'core',
    'weights',
    'encoders',
    'datasets',
    'metrics',
    'runtimes',
    'detector',
    'methods',
    'report',
    'trainer',
  ],
}

/** The rule about imports between packages; `also` may be imported by all of them. */
const boundaries = (also, options) => ({
  plugins: { '@nx': nx },
  rules: {
    '@nx/enforce-module-boundaries': [
      'error',
      {
        enforceBuildableLibDependency: true,
        // drivers and image libraries are loaded when they are needed; their types are imported at the top
        checkDynamicDependenciesExceptions: ['.*'],
        depConstraints: [
          ...Object.entries(arrows).map(([name, targets]) => ({
            sourceTag: `scope:${name}`,
            onlyDependOnLibsWithTags: [name, ...targets, ...also].map((t) => `scope:${t}`),
          })),
          // the command starts the server; otherwise apps do not know each other
          { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['type:lib', 'scope:server'] },
        ],
        ...options,
      },
    ],
  },
})

export default tseslint.config(
  {
    ignores: [
      '**/dist',
      '**/out-tsc',
      '**/coverage',
      '**/*.timestamp*',
      '**/generated',
      '**/scratch',
      // the peers' virtual environment
      'benchmarks/.peers',
      // what is made for the site, and for its tests
      'docs/.blocks',
      'docs/.vitepress/{cache,dist}',
    ],
  },
  ...tseslint.configs.strict,
  { files: ['**/src/**/*.ts'], ...boundaries([], {}) },
  // tests may build graphs, and may import their own package by its name
  {
    files: ['**/src/**/*.test.ts', '**/test/**/*.ts'],
    ...boundaries(['base', 'graph'], { allowCircularSelfDependency: true }),
  },
  {
    // tests may reach what the code they test may not: the package by its own name, other packages as tools; what is written
    // for others to read and copy uses any of the packages
    files: ['**/*.test.ts', 'docs/**/*.ts', 'examples/**/*.{ts,tsx}'],
    rules: { '@nx/enforce-module-boundaries': 'off' },
  },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
  {
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      // { left: _, ...rest }: a property that is left out
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
    },
  },
  prettier,
)
