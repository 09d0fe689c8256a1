import { expect, it } from 'vitest'
import { renderContactSheet, type ContactSheet } from './contact-sheet.js'

const picture = { width: 20, height: 10, data: new Uint8Array(600).fill(90) }
const mask = { width: 20, height: 10, data: Uint8Array.from({ length: 200 }, (_, i) => i % 20 > 9 ? 1 : 0) } // prettier-ignore
const evil = '<img src=x onerror="alert(1)">'

const sheet: ContactSheet = {
  title: evil,
  reading: {
    folders: [
      { folder: '.', role: 'train', images: 7, masks: 0 },
      { folder: `bad/${evil}`, role: 'test defect', defect: 'dent', images: 2, masks: 1 },
      { folder: 'val', role: 'left out', images: 3, masks: 0, why: 'kept for validation' },
    ],
    unread: { '.jp2': 2 },
    warnings: [],
  },
  warnings: [`${evil} is grey`],
  sections: [
    { title: 'To learn from: good', images: [{ id: 'a.png', picture, notes: [] }], total: 7 },
    {
      title: 'To judge by: dent',
      note: 'a note',
      images: [{ id: evil, picture, mask, notes: ['mask is empty'] }],
      total: 1,
    },
  ],
}

it('shows folders, warnings and pictures, and needs nothing else', async () => {
  const html = await renderContactSheet(sheet)
  for (const text of [
    '(directly in the folder)',
    'kept for validation',
    '1 of them shown',
    'mask is empty',
    'a note',
  ])
    // prettier-ignore
    expect(html).toContain(text)
  expect(html.match(/src="data:image\/webp;base64,/g)).toHaveLength(2)
  expect(html).not.toMatch(/(?:src|href)="(?!data:|#)/)
  expect(html).not.toContain('<img src=x')
  expect(html).not.toContain('<script')
})

it('outlines masks: the picture with one is another', async () => {
  const pictures = (html: string) => [...html.matchAll(/base64,([^"]+)/g)].map((m) => m[1])
  const [plain, outlined] = pictures(await renderContactSheet(sheet))
  expect(outlined).not.toBe(plain)
})
