import { Paper, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'

interface Props {
  readonly x: number
  readonly y: number
  /** Of the chart: the tip stays inside. */
  readonly width: number
  readonly title: string
  readonly children?: ReactNode
}

const WIDTH = 220

/** Numbers beside the place that is pointed at. */
export function ChartTip({ x, y, width, title, children }: Props) {
  const left = x + 12 + WIDTH > width ? Math.max(0, x - 12 - WIDTH) : x + 12
  return (
    <Paper
      withBorder
      shadow="sm"
      p={6}
      pos="absolute"
      w={WIDTH}
      style={{ left, top: Math.max(0, y), pointerEvents: 'none', zIndex: 2 }}
      aria-hidden
    >
      <Text size="xs" fw={600} style={{ overflowWrap: 'anywhere' }}>
        {title}
      </Text>
      <Stack gap={0}>{children}</Stack>
    </Paper>
  )
}

interface LineProps {
  readonly color?: string
  readonly label: string
  readonly value: string
}

/** One line of a tip: what, and how much. */
export function TipLine({ color, label, value }: LineProps) {
  return (
    <Text size="xs" className="num" style={{ display: 'flex', gap: 6, alignItems: 'center' }} component="div">
      {color !== undefined && (
        <span style={{ width: 8, height: 8, borderRadius: 2, background: color, flexShrink: 0 }} />
      )}
      <span style={{ flexGrow: 1, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }}>{label}</span>
      <span>{value}</span>
    </Text>
  )
}
