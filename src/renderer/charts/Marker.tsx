import type { Shape } from '../../shared/chartColors'

interface Props {
  readonly shape: Shape
  readonly x: number
  readonly y: number
  readonly color: string
  readonly size?: number
  /** Drawn around the shape, so that it stands out from lines. */
  readonly halo?: string
}

/** A method's mark: colour and shape, so that neither alone has to tell methods apart. */
export function Marker({ shape, x, y, color, size = 5, halo }: Props) {
  const paint = { fill: color, stroke: halo ?? 'none', strokeWidth: halo === undefined ? 0 : 1.5 }
  switch (shape) {
    case 'circle':
      return <circle cx={x} cy={y} r={size} {...paint} />
    case 'square':
      return <rect x={x - size} y={y - size} width={2 * size} height={2 * size} {...paint} />
    case 'diamond':
      return <path d={polygon(x, y, size * 1.3, [0, 90, 180, 270])} {...paint} />
    case 'triangle':
      return <path d={polygon(x, y + size * 0.2, size * 1.3, [0, 120, 240])} {...paint} />
    case 'cross':
      return (
        <path
          d={`M${x - size},${y - size}L${x + size},${y + size}M${x - size},${y + size}L${x + size},${y - size}`}
          fill="none"
          stroke={color}
          strokeWidth={2.5}
        />
      )
  }
}

/** Corners on a circle, angles in degrees from above. */
function polygon(x: number, y: number, radius: number, angles: readonly number[]): string {
  const corners = angles.map((angle) => {
    const turn = (angle * Math.PI) / 180
    return `${(x + radius * Math.sin(turn)).toFixed(2)},${(y - radius * Math.cos(turn)).toFixed(2)}`
  })
  return `M${corners.join('L')}Z`
}
