/** What encodes pictures with sharp. */
export { renderReport } from './page.js'
export { renderPanels } from './panels.js'
export {
  renderContactSheet,
  type ContactSheet,
  type SheetImage,
  type SheetSection,
} from './contact-sheet.js'
