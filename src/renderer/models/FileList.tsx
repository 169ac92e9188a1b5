import type { Inspection } from '../../shared/inspection'
import type { Column } from '../components/column'
import { DataTable } from '../components/DataTable'
import { formatBytes, formatCount } from '../format/numbers'

type WeightFile = Inspection['files'][number]

const COLUMNS: readonly Column<WeightFile>[] = [
  {
    key: 'name',
    title: 'Weight file',
    width: 'minmax(260px, 3fr)',
    sortBy: ({ name }) => name,
    render: ({ name }) => name
  },
  {
    key: 'tensors',
    title: 'Tensors',
    width: '120px',
    align: 'right',
    sortBy: ({ tensors }) => tensors,
    render: ({ tensors }) => formatCount(tensors)
  },
  {
    key: 'bytes',
    title: 'Size',
    width: '120px',
    align: 'right',
    sortBy: ({ bytes }) => bytes,
    render: ({ bytes }) => formatBytes(bytes)
  }
]

/** The weight files of a checkpoint: one, or its shards. */
export const FileList = ({ files }: { readonly files: readonly WeightFile[] }) => (
  <DataTable label="Weight files" rows={files} columns={COLUMNS} rowKey={({ name }) => name} />
)
