/**
 * Zoom into an element and move it: wheel, double click, two fingers, drag, and by the keyboard + − 0 and the arrows.
 * @param frame what it is seen through; it takes the focus
 */
export function zoomable(
  frame: HTMLElement,
  stage: HTMLElement,
): { reset(): void; by(factor: number): void } {
  const most = 8
  let [scale, x, y] = [1, 0, 0]
  const draw = () => {
    const { offsetWidth: w, offsetHeight: h } = stage
    const [right, down] = [(w * (scale - 1)) / 2, (h * (scale - 1)) / 2]
    x = Math.min(Math.max(x, -right), right)
    y = Math.min(Math.max(y, -down), down)
    stage.style.transform = scale === 1 ? '' : `translate(${x}px, ${y}px) scale(${scale})`
    frame.classList.toggle('zoomed', scale > 1)
  }
  /** The place that it is zoomed at stays where it is. */
  const by = (factor: number, at?: { clientX: number; clientY: number }) => {
    const next = Math.min(Math.max(scale * factor, 1), most)
    const box = frame.getBoundingClientRect()
    const [cx, cy] = at ? [at.clientX - box.left - box.width / 2, at.clientY - box.top - box.height / 2] : [0, 0] // prettier-ignore
    x = cx - ((cx - x) * next) / scale
    y = cy - ((cy - y) * next) / scale
    scale = next
    draw()
  }
  const reset = () => {
    ;[scale, x, y] = [1, 0, 0]
    draw()
  }
  frame.addEventListener(
    'wheel',
    (event) => {
      // the page scrolls as ever, unless zooming is meant
      if (!event.ctrlKey && scale === 1) return
      event.preventDefault()
      by(Math.exp(-event.deltaY / 300), event)
    },
    { passive: false },
  )
  frame.addEventListener('dblclick', (event) => (scale > 1 ? reset() : by(3, event)))
  frame.addEventListener('keydown', (event) => {
    const moves: Readonly<Record<string, () => void>> = {
      '+': () => by(1.5),
      '=': () => by(1.5),
      '-': () => by(1 / 1.5),
      '0': reset,
      ...(scale > 1 && {
        ArrowLeft: () => (x += 40),
        ArrowRight: () => (x -= 40),
        ArrowUp: () => (y += 40),
        ArrowDown: () => (y -= 40),
      }),
    }
    const move = event.ctrlKey || event.metaKey ? undefined : moves[event.key]
    if (!move) return
    event.preventDefault()
    move()
    draw()
  })
  const fingers = new Map<number, PointerEvent>()
  const apart = () => {
    const [a, b] = [...fingers.values()]
    return a && b ? Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) : 0
  }
  frame.addEventListener('pointerdown', (event) => {
    fingers.set(event.pointerId, event)
    if (scale > 1 || fingers.size > 1) frame.setPointerCapture(event.pointerId)
  })
  frame.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId)
    if (!before) return
    const wide = apart()
    fingers.set(event.pointerId, event)
    if (fingers.size === 2 && wide > 0) return by(apart() / wide, event)
    if (scale === 1) return
    x += event.clientX - before.clientX
    y += event.clientY - before.clientY
    draw()
  })
  for (const type of ['pointerup', 'pointercancel'] as const)
    frame.addEventListener(type, ({ pointerId }) => fingers.delete(pointerId))
  return { reset, by: (factor) => by(factor) }
}
