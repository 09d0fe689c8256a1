// What of a package.json is for this workspace only does not go into what is published.
const forWorkspace = ['@cflow/source']

/** An export without the workspace's conditions; undefined where nothing is left of it, as of helpers for our tests. */
function published(target) {
  if (typeof target === 'string') return target
  const entries = Object.entries(target)
    .filter(([condition]) => !forWorkspace.includes(condition))
    .map(([condition, inner]) => [condition, published(inner)])
    .filter(([, inner]) => inner !== undefined)
  return entries.length > 0 ? Object.fromEntries(entries) : undefined
}

module.exports = {
  hooks: {
    beforePacking({ exports, devDependencies, nx, scripts, ...manifest }) {
      return { ...manifest, ...(exports && { exports: published(exports) }) }
    },
  },
}
