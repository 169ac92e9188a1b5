/*
 * Charts set their colours as attributes, so a copy of the element is a whole picture; what only belongs to the window
 * (crosshair, focus) is marked with data-window-only and left out.
 */

const NAMESPACE = 'http://www.w3.org/2000/svg'

/** The chart as a file: title, background, fonts that every viewer has. */
export function serializeSvg(
  chart: SVGSVGElement,
  { title, background }: { title: string; background: string }
): string {
  const copy = chart.cloneNode(true) as SVGSVGElement
  const { width, height } = sizeOf(chart)
  for (const element of copy.querySelectorAll('[data-window-only]')) element.remove()
  for (const element of [copy, ...copy.querySelectorAll('*')]) {
    for (const { name } of Array.from(element.attributes)) {
      if (/^(class|style|tabindex|role|aria-.*|data-.*)$/.test(name)) element.removeAttribute(name)
    }
  }
  copy.setAttribute('xmlns', NAMESPACE)
  copy.setAttribute('viewBox', `0 0 ${width} ${height}`)
  copy.setAttribute('font-family', 'system-ui, "DejaVu Sans", sans-serif')
  const back = document.createElementNS(NAMESPACE, 'rect')
  back.setAttribute('width', '100%')
  back.setAttribute('height', '100%')
  back.setAttribute('fill', background)
  const name = document.createElementNS(NAMESPACE, 'title')
  name.textContent = title
  copy.prepend(name, back)
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`
}

const sizeOf = (chart: SVGSVGElement): { width: number; height: number } => ({
  width: Number(chart.getAttribute('width')),
  height: Number(chart.getAttribute('height'))
})

/** A picture of the chart as base64 of a PNG file, `density` pixels for each of the window's. */
export async function svgToPng(svg: string, chart: SVGSVGElement, density = 2): Promise<string> {
  const { width, height } = sizeOf(chart)
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(width * density)
  canvas.height = Math.round(height * density)
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('this window cannot draw pictures')
  context.drawImage(image, 0, 0, canvas.width, canvas.height)
  return canvas.toDataURL('image/png').replace(/^data:image\/png;base64,/, '')
}
