// Rewrites a PNG of a page with at most 256 colours: a third of the size, and no difference that one would see.
import { crc32, deflateSync, inflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const MAX_COLOURS = 256

/** @param {Buffer} png - 8 bits a channel, RGB or RGBA, not interlaced, as Chromium writes it; alpha is dropped */
export function withPalette(png) {
  const { width, height, pixels } = decode(png)
  const counts = new Map()
  for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1)
  const palette = choosePalette(counts)
  const index = new Map([...counts.keys()].map((colour) => [colour, nearest(palette, colour)]))
  const rows = Buffer.alloc(height * (width + 1)) // each row begins with its filter, 0: none
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = index.get(pixels[y * width + x])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 3], 8) // 8 bits, palette
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.flatMap(channels))),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0))
  ])
}

const channels = (colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]

function decode(png) {
  let header
  const parts = []
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at)
    const type = png.toString('latin1', at + 4, at + 8)
    const data = png.subarray(at + 8, at + 8 + length)
    if (type === 'IHDR') header = { width: data.readUInt32BE(0), height: data.readUInt32BE(4), kind: data[9] }
    if (type === 'IDAT') parts.push(data)
    at += 12 + length
  }
  const step = header.kind === 6 ? 4 : 3
  const bytes = unfilter(inflateSync(Buffer.concat(parts)), header.width * step, header.height, step)
  const pixels = new Uint32Array(header.width * header.height)
  for (let i = 0; i < pixels.length; i++) {
    pixels[i] = (bytes[i * step] << 16) | (bytes[i * step + 1] << 8) | bytes[i * step + 2]
  }
  return { ...header, pixels }
}

/** Undoes the filter of each row; PNG specification, section 9.2. */
function unfilter(data, rowLength, height, step) {
  const out = Buffer.alloc(rowLength * height)
  for (let y = 0; y < height; y++) {
    const filter = data[y * (rowLength + 1)]
    for (let x = 0; x < rowLength; x++) {
      const at = y * rowLength + x
      const left = x >= step ? out[at - step] : 0
      const up = y > 0 ? out[at - rowLength] : 0
      const corner = x >= step && y > 0 ? out[at - rowLength - step] : 0
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]
      out[at] = data[y * (rowLength + 1) + 1 + x] + predicted
    }
  }
  return out
}

function paeth(left, up, corner) {
  const [a, b, c] = [up - corner, left - corner, left + up - 2 * corner].map(Math.abs)
  if (a <= b && a <= c) return left
  return b <= c ? up : corner
}

/** The most frequent colours as they are, and the rest of the palette by cutting the others' box at its median. */
function choosePalette(counts) {
  const colours = [...counts].sort(([, a], [, b]) => b - a)
  if (colours.length <= MAX_COLOURS) return colours.map(([colour]) => colour)
  const exact = colours.splice(0, MAX_COLOURS / 2).map(([colour]) => colour)
  const boxes = [colours]
  while (boxes.length < MAX_COLOURS - exact.length) {
    const widest = boxes
      .map((box) => spread(box))
      .reduce((best, one, i, all) => (one.size > all[best].size ? i : best), 0)
    const box = boxes[widest]
    if (box.length < 2) break
    const { axis } = spread(box)
    box.sort(([a], [b]) => channels(a)[axis] - channels(b)[axis])
    boxes.push(box.splice(box.length >> 1))
  }
  return [...exact, ...boxes.map(mean)]
}

function spread(box) {
  const ranges = [0, 1, 2].map((axis) => {
    let low = 255
    let high = 0
    for (const [colour] of box) {
      const value = channels(colour)[axis]
      if (value < low) low = value
      if (value > high) high = value
    }
    return high - low
  })
  const size = Math.max(...ranges)
  return { size, axis: ranges.indexOf(size) }
}

function mean(box) {
  const total = box.reduce((sum, [, count]) => sum + count, 0)
  const [r, g, b] = [0, 1, 2].map((axis) =>
    Math.round(box.reduce((sum, [colour, count]) => sum + channels(colour)[axis] * count, 0) / total)
  )
  return (r << 16) | (g << 8) | b
}

function nearest(palette, colour) {
  const [r, g, b] = channels(colour)
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < palette.length; i++) {
    const [pr, pg, pb] = channels(palette[i])
    const distance = (pr - r) ** 2 + (pg - g) ** 2 + (pb - b) ** 2
    if (distance < least) {
      least = distance
      best = i
    }
  }
  return best
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}
