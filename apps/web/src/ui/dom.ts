/** The element of that id: the page's markup and its code belong together, so it is there. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  id: string,
): HTMLElementTagNameMap[K] {
  const found = document.getElementById(id)
  if (found?.localName !== tag) throw new Error(`the page has no <${tag} id="${id}">`)
  return found as HTMLElementTagNameMap[K]
}

type Attributes = Readonly<Record<string, string | number>>

/** A new element with attributes and children. */
export const create = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] => filled(document.createElement(tag), attributes, children)

/** A new SVG element with attributes and children. */
export const svg = <K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): SVGElementTagNameMap[K] =>
  filled(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children)

function filled<T extends Element>(node: T, attributes: Attributes, children: (Node | string)[]) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value))
  node.append(...children)
  return node
}
