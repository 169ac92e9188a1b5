import { Anchor, Text } from '@mantine/core'
import { Link, useLocation } from 'wouter'
import type { CalibrationSetEntry } from '../../shared/contract/calibration'
import type { Column } from '../components/column'
import { DataTable } from '../components/DataTable'
import { RelativeTime } from '../components/RelativeTime'
import { formatCount } from '../format/numbers'
import { KIND_LABELS, setAddress } from './setText'

const COLUMNS: readonly Column<CalibrationSetEntry>[] = [
  {
    key: 'name',
    title: 'Name',
    width: 'minmax(180px, 2fr)',
    wrapAt: 180,
    text: ({ name }) => name,
    below: () => [],
    sortBy: ({ name }) => name,
    render: ({ name }) => (
      <Anchor component={Link} href={setAddress(name)} size="sm" tabIndex={-1}>
        {name}
      </Anchor>
    )
  },
  {
    key: 'kind',
    title: 'Holds',
    width: '110px',
    folds: true,
    text: ({ kind }) => KIND_LABELS[kind],
    sortBy: ({ kind }) => kind,
    render: ({ kind }) => KIND_LABELS[kind]
  },
  {
    key: 'samples',
    title: 'Samples',
    width: '100px',
    align: 'right',
    sortBy: ({ samples }) => samples,
    render: ({ samples }) => formatCount(samples)
  },
  {
    key: 'characters',
    title: 'Characters',
    width: '120px',
    align: 'right',
    sortBy: ({ characters }) => characters,
    render: ({ characters }) => formatCount(characters)
  },
  {
    key: 'source',
    title: 'From',
    width: 'minmax(140px, 1.5fr)',
    wrapAt: 150,
    folds: true,
    text: ({ sourceName }) => sourceName,
    sortBy: ({ sourceName }) => sourceName,
    render: ({ sourceName }) => sourceName
  },
  {
    key: 'imported',
    title: 'Imported',
    width: '140px',
    sortBy: ({ importedAtMs }) => importedAtMs,
    render: ({ importedAtMs }) => <RelativeTime atMs={importedAtMs} size="sm" c="dimmed" />
  }
]

export function SetTable({ sets }: { readonly sets: readonly CalibrationSetEntry[] }) {
  const [, navigate] = useLocation()
  return (
    <DataTable
      label="Calibration sets"
      rows={sets}
      columns={COLUMNS}
      rowKey={({ name }) => name}
      last
      initialSort={{ key: 'imported', descending: true }}
      onOpen={({ name }) => navigate(setAddress(name))}
      empty={<Text c="dimmed">No set fits the search.</Text>}
    />
  )
}
