import { Badge, Button, Group, SegmentedControl, Text, TextInput } from '@mantine/core'
import { IconDownload, IconSearch } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import type { LayerRow, RunProof } from '../../shared/contract/proof'
import { toCsv } from '../charts/chartTable'
import type { Column } from '../components/column'
import { DataTable } from '../components/DataTable'
import { saveFile } from '../components/saveFile'
import { formatNumber, formatShare, plural } from '../format/numbers'
import { nameInBlock } from './layerNames'
import { type LayerLine, layerLines, layersTable } from './proofData'

interface Props {
  readonly run: RunProof
  readonly layers: readonly LayerRow[]
  readonly variant: string
  readonly current: string | undefined
  readonly onOpen: (layer: string) => void
}

const COLUMNS: readonly Column<LayerLine>[] = [
  {
    key: 'name',
    title: 'Layer',
    term: 'linear',
    width: 'minmax(140px, 1fr)',
    wrapAt: 420,
    sortBy: ({ row }) => row.name,
    text: (line) => `${layerText(line)}${line.worse ? '  WORSE ' : ''}`,
    render: (line) => (
      <Group gap={6} wrap="nowrap">
        <Text span size="sm" title={line.row.name}>
          {layerText(line)}
        </Text>
        {line.worse && (
          <Badge size="xs" color="orange" variant="light" style={{ flex: 'none' }}>
            worse
          </Badge>
        )}
      </Group>
    )
  },
  {
    key: 'shape',
    title: 'Shape',
    width: '90px',
    sortBy: ({ row }) => row.shape[0] * row.shape[1],
    ...textOnly(({ row }) => row.shape.join(' × '))
  },
  share('before', 'Before', ({ before }) => before),
  share('after', 'After', ({ after }) => after),
  share('removed', 'Removed', ({ removed }) => removed),
  share('bfloat16', 'bfloat16', ({ afterBfloat16 }) => afterBfloat16),
  {
    key: 'certificate',
    title: 'Certificate',
    term: 'certificate',
    width: '100px',
    align: 'right',
    sortBy: ({ row }) => row.certificate,
    ...textOnly(({ row }) => formatNumber(row.certificate))
  },
  {
    key: 'rank',
    title: 'Rank 90 %',
    term: 'rank',
    width: '100px',
    align: 'right',
    sortBy: ({ row }) => row.rankFor90,
    ...textOnly(({ row }) => String(row.rankFor90))
  }
]

/** A cell that is nothing but its text. */
function textOnly(text: (line: LayerLine) => string): Pick<Column<LayerLine>, 'text' | 'render'> {
  return { text, render: text }
}

function layerText({ row }: LayerLine): string {
  return row.block === null ? row.name : `${row.block} · ${nameInBlock(row.name)}`
}

function share(key: string, title: string, value: (line: LayerLine) => number | undefined): Column<LayerLine> {
  return {
    key,
    title,
    term: 'loss',
    width: key === 'removed' ? '100px' : '90px',
    align: 'right',
    sortBy: value,
    ...textOnly((line) => {
      const found = value(line)
      return found === undefined ? '–' : formatShare(found)
    })
  }
}

/** Every linear, those that got worse or gained least first. */
export function LayersTable({ run, layers, variant, current, onOpen }: Props) {
  const [filter, setFilter] = useState('')
  const [only, setOnly] = useState('all')
  const lines = useMemo(() => layerLines(layers, variant), [layers, variant])
  const worse = lines.filter((line) => line.worse).length
  const shown = useMemo(() => {
    const wanted = filter.trim().toLowerCase()
    return lines.filter((line) => line.row.name.toLowerCase().includes(wanted) && (only === 'all' || line.worse))
  }, [lines, filter, only])
  return (
    <>
      <Text size="sm" c="dimmed">
        Before and after: calibrated error relative to the layer's output energy, after as stored and in bfloat16. Rank
        90 %: what the best correction needs for nine tenths of the gain. Worse: the calibrated error, or that of the
        weights alone, is larger than before.
      </Text>
      <Group gap="sm">
        <TextInput
          aria-label="Filter layers"
          placeholder="Filter by name: down_proj, layers.3."
          leftSection={<IconSearch size={14} aria-hidden />}
          value={filter}
          onChange={({ currentTarget }) => setFilter(currentTarget.value)}
          w={280}
        />
        <SegmentedControl
          aria-label="Which layers"
          size="xs"
          value={only}
          onChange={setOnly}
          data={[
            { value: 'all', label: `All ${lines.length}` },
            { value: 'worse', label: `Got worse: ${worse}` }
          ]}
        />
        <Button
          size="xs"
          ml="auto"
          variant="default"
          leftSection={<IconDownload size={14} aria-hidden />}
          disabled={layers.length === 0}
          onClick={() => void saveFile({ name: `${run.id}-layers.csv`, content: toCsv(layersTable(layers, run)) })}
        >
          All variants as CSV
        </Button>
      </Group>
      <DataTable
        label="Layers"
        rows={shown}
        columns={COLUMNS}
        rowKey={({ row }) => row.name}
        onOpen={({ row }) => onOpen(row.name)}
        initialSort={{ key: 'removed', descending: false }}
        current={current}
        rowHeight={34}
        empty={
          <Text size="sm" c="dimmed" py="md">
            {lines.length > 0
              ? `None of ${plural(lines.length, 'layer')} fits the filter.`
              : run.status === 'running'
                ? 'Layers appear as they are solved.'
                : 'No layer was solved.'}
          </Text>
        }
      />
    </>
  )
}
