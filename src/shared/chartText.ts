import { LABEL_BREAK } from './variantLabels'

/** About how wide a text is, in pixels: enough to keep labels apart, without asking the browser. */
export const textWidth = (text: string, fontSize = 12): number => text.length * fontSize * 0.6

/**
 * A text as lines that are no wider than `width`: broken between the parts of a label, at spaces and hyphens, and within
 * a word only where it alone is too wide. Nothing is left out.
 */
export function wrapText(text: string, width: number, fontSize = 12): string[] {
  const most = Math.max(4, Math.floor(width / textWidth('x', fontSize)))
  const lines: string[] = []
  for (const part of text.split(LABEL_BREAK)) {
    const both = `${lines.at(-1)}${LABEL_BREAK}${part}`
    if (lines.length > 0 && both.length <= most) lines[lines.length - 1] = both
    else lines.push(...brokenPart(part, most))
  }
  return lines
}

function brokenPart(part: string, most: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const piece of part.split(/(?<=[\s\-_./])/)) {
    if ((line + piece).trimEnd().length <= most) {
      line += piece
      continue
    }
    if (line !== '') lines.push(line.trimEnd())
    for (line = piece; line.trimEnd().length > most; line = line.slice(most)) lines.push(line.slice(0, most))
  }
  return [...lines, line.trimEnd()]
}

/** A label that wants to stand at `at` and needs `size` along the axis. */
export interface Label {
  readonly at: number
  readonly size: number
}

/**
 * Places for labels along one axis, as near to where they belong as they can stand without touching.
 *
 * Labels that would overlap form a group whose members stand side by side around the mean of their wishes; groups grow
 * until none touches the next. The order along the axis is kept. When all of them need more than `low`–`high` offers,
 * they are placed from `low` on.
 *
 * @returns the centre of each label, in the order given
 */
export function placeLabels(labels: readonly Label[], low: number, high: number): number[] {
  const order = labels.map((_, index) => index).sort((a, b) => labels[a]!.at - labels[b]!.at)
  const groups: { members: number[]; start: number; size: number }[] = []
  for (const index of order) {
    let group = settled([index])
    for (let last = groups.at(-1); last && last.start + last.size > group.start; last = groups.at(-1)) {
      groups.pop()
      group = settled([...last.members, ...group.members])
    }
    groups.push(group)
  }
  const places = new Array<number>(labels.length)
  for (const { members, start } of groups) {
    let from = start
    for (const index of members) {
      places[index] = from + labels[index]!.size / 2
      from += labels[index]!.size
    }
  }
  return places

  function settled(members: number[]) {
    let size = 0
    let wish = 0
    for (const index of members) {
      wish += labels[index]!.at - size - labels[index]!.size / 2
      size += labels[index]!.size
    }
    const start = Math.max(low, Math.min(high - size, wish / members.length))
    return { members, start, size }
  }
}
