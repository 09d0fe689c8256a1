import type { Mask, RgbImage } from '@cflow/base'
import { documentOf } from './document.js'
import { count } from './format.js'
import type { DataReading } from './input.js'
import { markup, type Markup } from './markup.js'
import { dataUri } from './panels.js'
import { drawRing } from './picture.js'
import { folderTable } from './section/data.js'

/** One image of a contact sheet. */
export interface SheetImage {
  readonly id: string
  /** Small: it is shown as it is. */
  readonly picture: RgbImage
  /** Ground truth of the picture's size, outlined on it. */
  readonly mask?: Mask
  /** What is outlined, where it is not the ground truth. */
  readonly outlined?: string
  /** What is to be looked at. */
  readonly notes: readonly string[]
}

/** Images under one heading, in order. */
export interface SheetSection {
  readonly title: string
  /** Said below the heading. */
  readonly note?: string
  readonly images: readonly SheetImage[]
  /** How many there are in all. */
  readonly total: number
}

export interface ContactSheet {
  readonly title: string
  readonly reading?: DataReading | undefined
  /** What may be wrong, a sentence each. */
  readonly warnings: readonly string[]
  readonly sections: readonly SheetSection[]
}

/**
 * A data set at a glance as one HTML file that needs nothing else: how its folders were read, what may be wrong, and small
 * pictures with their masks outlined.
 * @throws CflowError RUNTIME without the image library
 */
export async function renderContactSheet(sheet: ContactSheet): Promise<string> {
  const { title, reading, warnings } = sheet
  const sections: Markup[] = []
  for (const section of sheet.sections) sections.push(await sectionOf(section))
  const body = markup`<header><p class="kicker">Contact sheet</p><h1>${title}</h1></header>
<main>
${warnings.length > 0 && markup`<section aria-labelledby="look"><h2 id="look">To be looked at</h2><ul>${warnings.map((text) => markup`<li>${text}</li>`)}</ul></section>`}
${reading && folderTable(reading)}
${sections}
</main>`
  return documentOf(body, { title, style: sheetStyle }).text
}

async function sectionOf({ title, note, images, total }: SheetSection): Promise<Markup> {
  const figures: Markup[] = []
  for (const image of images) figures.push(await figureOf(image))
  const shown = images.length < total ? `, ${images.length} of them shown` : ''
  return markup`<section><h2>${title} <span class="note">${count(total, 'image')}${shown}</span></h2>
${note !== undefined && markup`<p>${note}</p>`}
<div class="sheet">${figures}</div></section>`
}

async function figureOf({
  id,
  picture,
  mask,
  notes,
  outlined = 'mask',
}: SheetImage): Promise<Markup> {
  const { width, height } = picture
  const drawn = { ...picture, data: Uint8Array.from(picture.data) }
  if (mask) drawRing(drawn, mask, [255, 40, 50])
  const alt = mask ? `${id}, ${outlined} outlined` : id
  return markup`<figure class="${notes.length > 0 ? 'noted' : 'plain'}"><img src="${await dataUri(drawn, false)}" width="${width}" height="${height}" loading="lazy" alt="${alt}"><figcaption><bdi>${id}</bdi>${notes.map((text) => markup`<br><strong>${text}</strong>`)}</figcaption></figure>`
}

const sheetStyle = `
.sheet { display: flex; flex-wrap: wrap; gap: .8rem; align-items: flex-start; }
.sheet figure { margin: 0; width: 11rem; } .sheet img { display: block; max-width: 100%; height: auto; border-radius: 3px; }
.sheet figcaption { margin-top: .2rem; font-size: .75rem; line-height: 1.3; overflow-wrap: anywhere; }
.sheet .noted img { outline: 2px solid var(--warn); outline-offset: 1px; } .sheet .noted strong { color: var(--warn); }
`
