import { ActionIcon, Anchor, Text } from '@mantine/core'
import { IconPin, IconPinFilled, IconX } from '@tabler/icons-react'
import { type MouseEvent, useMemo } from 'react'
import { Link } from 'wouter'
import { methodShape } from '../../shared/chartColors'
import type { Metric } from '../../shared/compare/metrics'
import { rowLabels } from '../../shared/compare/rowLabels'
import type { ComparisonRow } from '../../shared/compare/rows'
import { Marker } from '../charts/Marker'
import { usePalette, variantColors } from '../charts/palette'
import type { Column } from '../components/column'
import { DataTable } from '../components/DataTable'
import { TERMS, type TermName } from '../glossary/glossary'
import { runAddress } from '../runs/runAddress'
import { DeltaText, metricText } from './DeltaText'

interface Props {
  readonly rows: readonly ComparisonRow[]
  readonly metrics: readonly Metric[]
  readonly baseline: ComparisonRow | undefined
  readonly current: string | undefined
  readonly onPin: (key: string | undefined) => void
  readonly onRemove: (key: string) => void
  readonly onOpen: (row: ComparisonRow) => void
}

/** A line for each variant; with a pinned baseline every figure says how far it is from the baseline's. */
export function MetricsTable({ rows, metrics, baseline, current, onPin, onRemove, onOpen }: Props) {
  const palette = usePalette()
  const labels = useMemo(() => rowLabels(rows, 'beside the run'), [rows])
  const colorOf = useMemo(
    () =>
      variantColors(
        palette,
        rows.map(({ variant }) => variant)
      ),
    [palette, rows]
  )
  const columns = useMemo(
    () => [
      pinColumn(baseline, onPin),
      ...nameColumns(labels, colorOf),
      ...metrics.map((metric) => metricColumn(metric, baseline)),
      TAGS,
      removeColumn(onRemove)
    ],
    [metrics, baseline, onPin, onRemove, labels, colorOf]
  )
  return (
    <DataTable
      label="Compared variants"
      rows={rows}
      columns={columns}
      rowKey={keyOf}
      onOpen={onOpen}
      current={current}
      rowHeight={baseline === undefined ? 40 : 50}
      empty={
        <Text size="sm" c="dimmed" py="lg" ta="center">
          No variant fits the filter.
        </Text>
      }
    />
  )
}

const pinColumn = (baseline: ComparisonRow | undefined, onPin: Props['onPin']): Column<ComparisonRow> => ({
  key: 'pin',
  title: '',
  label: 'Pin',
  width: '44px',
  render: (row) => <PinButton row={row} pinned={row.key === baseline?.key} onPin={onPin} />
})

const nameColumns = (
  labels: ReadonlyMap<string, string>,
  colorOf: (variant: ComparisonRow['variant']) => string
): Column<ComparisonRow>[] => [
  {
    key: 'run',
    title: 'Run',
    width: 'minmax(120px, 1.6fr)',
    wrapAt: 300,
    sortBy: ({ run }) => run.title,
    text: ({ run }) => run.title,
    render: (row) => <RunCell row={row} />
  },
  {
    key: 'variant',
    title: 'Variant',
    term: 'variant',
    width: 'minmax(120px, 1fr)',
    wrapAt: 300,
    sortBy: ({ variant }) => variant.name,
    text: ({ key }) => `MM${labels.get(key)}`,
    render: ({ key, variant }) => (
      <VariantCell label={labels.get(key) ?? ''} variant={variant} color={colorOf(variant)} />
    )
  },
  {
    key: 'rank',
    title: 'Rank',
    term: 'rank',
    width: '64px',
    align: 'right',
    sortBy: (r) => r.variant.rank,
    render: (r) => r.variant.rank
  }
]

const metricColumn = (metric: Metric, baseline: ComparisonRow | undefined): Column<ComparisonRow> => ({
  key: metric.key,
  title: metric.title,
  ...termOf(metric),
  width: metric.error === undefined ? '118px' : '150px',
  align: 'right',
  sortBy: metric.value,
  text: (row) => metricText(metric, row),
  render: (row) => (
    <>
      {metricText(metric, row)}
      {baseline !== undefined && (
        <div>
          <DeltaText metric={metric} row={row} baseline={baseline} />
        </div>
      )}
    </>
  )
})

const TAGS: Column<ComparisonRow> = {
  key: 'tags',
  title: 'Tags',
  width: 'minmax(90px, 0.8fr)',
  sortBy: ({ run }) => run.tags.join(' ') || undefined,
  wrapAt: 200,
  text: ({ run }) => run.tags.join(', '),
  render: ({ run }) => run.tags.join(', ')
}

const removeColumn = (onRemove: Props['onRemove']): Column<ComparisonRow> => ({
  key: 'remove',
  title: '',
  label: 'Take out',
  width: '44px',
  render: (row) => (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="sm"
      aria-label={`Take ${row.variant.name} of ${row.run.title} out`}
      title="Take out of the comparison"
      onClick={(event) => {
        event.stopPropagation()
        onRemove(row.key)
      }}
    >
      <IconX size={14} aria-hidden />
    </ActionIcon>
  )
})

/** What the figure's name means, where the glossary says it. */
function termOf({ key, title }: Metric): { readonly term?: TermName } {
  if (key === 'removed' || key === 'mean removed') return { term: 'loss' }
  const name = title.split(', ')[0]?.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase())
  const term = TERMS.find((one) => one === name)
  return term === undefined ? {} : { term }
}

const keyOf = ({ key }: ComparisonRow): string => key

interface PinProps {
  readonly row: ComparisonRow
  readonly pinned: boolean
  readonly onPin: Props['onPin']
}

function PinButton({ row, pinned, onPin }: PinProps) {
  const label = pinned ? 'No baseline' : `Pin ${row.variant.name} of ${row.run.title} as baseline`
  return (
    <ActionIcon
      variant="subtle"
      color={pinned ? undefined : 'gray'}
      size="sm"
      aria-label={label}
      title={pinned ? 'No baseline' : 'Pin as baseline'}
      aria-pressed={pinned}
      onClick={(event) => {
        event.stopPropagation()
        onPin(pinned ? undefined : row.key)
      }}
    >
      {pinned ? <IconPinFilled size={14} aria-hidden /> : <IconPin size={14} aria-hidden />}
    </ActionIcon>
  )
}

function RunCell({ row: { run, variant } }: { readonly row: ComparisonRow }) {
  return (
    <Anchor
      component={Link}
      href={runAddress(run.id, { variant: variant.name })}
      size="sm"
      title={run.id}
      onClick={(event: MouseEvent) => event.stopPropagation()}
    >
      {run.title}
    </Anchor>
  )
}

interface VariantProps {
  readonly label: string
  readonly variant: Pick<ComparisonRow['variant'], 'name' | 'method'>
  readonly color: string
}

/** A variant's name behind its mark, the same as in the charts. */
function VariantCell({ label, variant, color }: VariantProps) {
  return (
    <span title={variant.name}>
      <svg width={12} height={12} aria-hidden style={{ marginRight: 6, verticalAlign: -1 }}>
        <Marker shape={methodShape(variant.method)} x={6} y={6} color={color} size={4} />
      </svg>
      {label}
    </span>
  )
}
