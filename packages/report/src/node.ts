/** What encodes pictures with sharp. */
export { renderReport } from './page.js'
export { renderPanels } from './panels.js'
