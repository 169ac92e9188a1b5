// Renders resources/icons/quail.svg into the PNG files beside it, and into quail.ico and quail.icns for other platforms.
//
//   xvfb-run -a node scripts/icons.mjs
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { _electron } from 'playwright-core'
import { ensureRuntime, runtimeProgram } from './electronRuntime.mjs'

const SIZES = [16, 24, 32, 48, 64, 128, 256, 512, 1024]
const folder = resolve(import.meta.dirname, '../resources/icons')

await ensureRuntime()
const blankApp = join(import.meta.dirname, 'blank-app')
const app = await _electron.launch({
  executablePath: runtimeProgram,
  args: [blankApp, '--no-sandbox', '--disable-gpu']
})
const page = await app.firstWindow()
const svg = readFileSync(join(folder, 'quail.svg'), 'utf8')

/** Draws the vector on a canvas of this size; a canvas keeps the transparent corners. */
async function render(size) {
  const url = await page.evaluate(
    async ([source, edge]) => {
      const image = new Image()
      image.src = `data:image/svg+xml;base64,${btoa(source)}`
      await image.decode()
      const canvas = Object.assign(document.createElement('canvas'), { width: edge, height: edge })
      const context = canvas.getContext('2d')
      context.imageSmoothingQuality = 'high'
      context.drawImage(image, 0, 0, edge, edge)
      return canvas.toDataURL('image/png')
    },
    [svg, size]
  )
  return Buffer.from(url.split(',')[1], 'base64')
}

const pngs = new Map()
for (const size of SIZES) pngs.set(size, await render(size))
await app.close()

mkdirSync(folder, { recursive: true })
for (const [size, png] of pngs) if (size <= 512) writeFileSync(join(folder, `${size}x${size}.png`), png)
writeFileSync(join(folder, 'quail.ico'), ico([16, 24, 32, 48, 64, 128, 256]))
writeFileSync(join(folder, 'quail.icns'), icns({ ic11: 32, ic12: 64, ic07: 128, ic08: 256, ic09: 512, ic10: 1024 }))

/** Windows: a directory of PNG pictures. */
function ico(sizes) {
  const header = Buffer.alloc(6 + 16 * sizes.length)
  header.writeUInt16LE(1, 2)
  header.writeUInt16LE(sizes.length, 4)
  let offset = header.length
  sizes.forEach((size, i) => {
    const at = 6 + 16 * i
    header.writeUInt8(size % 256, at) // 256 is written as 0
    header.writeUInt8(size % 256, at + 1)
    header.writeUInt16LE(1, at + 4)
    header.writeUInt16LE(32, at + 6)
    header.writeUInt32LE(pngs.get(size).length, at + 8)
    header.writeUInt32LE(offset, at + 12)
    offset += pngs.get(size).length
  })
  return Buffer.concat([header, ...sizes.map((size) => pngs.get(size))])
}

/** macOS: four letters, length, PNG; once for each size. */
function icns(entries) {
  const parts = Object.entries(entries).map(([type, size]) => {
    const head = Buffer.from(`${type}\0\0\0\0`, 'latin1')
    head.writeUInt32BE(8 + pngs.get(size).length, 4)
    return Buffer.concat([head, pngs.get(size)])
  })
  const head = Buffer.from('icns\0\0\0\0', 'latin1')
  head.writeUInt32BE(8 + parts.reduce((sum, part) => sum + part.length, 0), 4)
  return Buffer.concat([head, ...parts])
}
