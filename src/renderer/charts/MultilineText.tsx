interface Props {
  readonly x: number
  /** Of the middle of all lines. */
  readonly y: number
  readonly fill: string
  readonly lines: readonly string[]
}

/** Pixels between lines of small text. */
const LINE = 14

/** Text of several lines in a chart, centred on a height. */
export function MultilineText({ x, y, fill, lines }: Props) {
  return (
    <text x={x} y={y - (LINE * (lines.length - 1)) / 2} fill={fill}>
      {lines.map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other identity
        <tspan key={i} x={x} dy={i === 0 ? '0.35em' : LINE}>
          {line}
        </tspan>
      ))}
    </text>
  )
}
