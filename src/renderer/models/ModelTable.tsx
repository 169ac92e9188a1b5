import { ActionIcon, Badge, Group, Text, Tooltip } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useLocation } from 'wouter'
import type { FoundModel } from '../../shared/models'
import type { Column } from '../components/column'
import { DataTable } from '../components/DataTable'
import { formatBytes, formatParameters } from '../format/numbers'
import { shortenPath } from '../format/paths'
import { briefProblem, fullName, modelAddress, SOURCE_LABELS } from './modelText'
import { StatusBadge } from './StatusBadge'
import type { Folders } from './useFolders'

interface Props {
  readonly models: readonly FoundModel[]
  readonly folders: Folders
  readonly empty: ReactNode
}

/** One line for each checkpoint; opens its page. */
export function ModelTable({ models, folders, empty }: Props) {
  const [, navigate] = useLocation()
  const remove = (model: FoundModel): void => void folders.remove(model.foundIn)
  return (
    <DataTable
      label="Models"
      rows={models}
      columns={columns(remove)}
      rowKey={({ id }) => id}
      onOpen={({ id }) => navigate(modelAddress(id))}
      empty={empty}
      rowHeight={52}
    />
  )
}

const columns = (remove: (model: FoundModel) => void): Column<FoundModel>[] => [
  {
    key: 'name',
    title: 'Model',
    width: 'minmax(180px, 2.4fr)',
    wrapAt: 170,
    bold: true,
    text: (model) => `${fullName(model)}${model.source === 'sample' ? '   SAMPLE  ' : ''}`,
    below: (model) => [placeText(model)],
    sortBy: fullName,
    render: (m) => <Name model={m} />
  },
  {
    key: 'family',
    title: 'Family',
    width: 'minmax(80px, 0.8fr)',
    folds: true,
    text: ({ family }) => family ?? '–',
    sortBy: ({ family }) => family ?? undefined,
    render: ({ family }) => family ?? '–'
  },
  {
    key: 'parameters',
    title: 'Parameters',
    width: '104px',
    align: 'right',
    sortBy: ({ parameters }) => parameters ?? undefined,
    render: ({ parameters }) => (parameters === null ? '–' : formatParameters(parameters))
  },
  {
    key: 'dtype',
    title: 'Dtype',
    width: '80px',
    folds: true,
    text: ({ dtypes }) => dtypesText(dtypes),
    sortBy: ({ dtypes }) => dtypes[0],
    render: ({ dtypes }) => (
      <Text span inherit title={dtypes.join(', ')}>
        {dtypesText(dtypes)}
      </Text>
    )
  },
  {
    key: 'size',
    title: 'Size',
    width: '92px',
    align: 'right',
    sortBy: ({ bytes }) => bytes ?? undefined,
    render: ({ bytes }) => (bytes === null ? '–' : formatBytes(bytes))
  },
  {
    key: 'status',
    title: 'State',
    width: 'minmax(140px, 2fr)',
    wrapAt: 150,
    text: ({ status }) => status,
    below: problemLines,
    sortBy: ({ status }) => status,
    render: (model) => <State model={model} />
  },
  removeColumn(remove)
]

const removeColumn = (remove: (model: FoundModel) => void): Column<FoundModel> => ({
  key: 'remove',
  title: '',
  label: 'Remove',
  width: '44px',
  render: (model) => (model.source === 'folder' ? <RemoveButton model={model} onRemove={remove} /> : null)
})

/** Whether it can be prepared, and under it the first thing that is in the way. */
function State({ model }: { readonly model: FoundModel }) {
  const [first] = model.problems
  return (
    <>
      <StatusBadge status={model.status} />
      {first !== undefined && (
        <Tooltip label={model.problems.join(' · ')} multiline maw={480} style={{ overflowWrap: 'anywhere' }}>
          <Text size="xs" c="dimmed" lh="18px">
            {problemLines(model)}
          </Text>
        </Tooltip>
      )}
    </>
  )
}

const problemLines = (model: FoundModel): readonly string[] =>
  model.problems.slice(0, 1).map((first) => briefProblem(model, first))

const dtypesText = (dtypes: readonly string[]): string =>
  dtypes.length > 1 ? `${dtypes[0]} +${dtypes.length - 1}` : (dtypes[0] ?? '–')

function Name({ model }: { readonly model: FoundModel }) {
  return (
    <>
      <Group gap={6} wrap="nowrap">
        <Text span size="sm" fw={600} lh="18px">
          {fullName(model)}
        </Text>
        {model.source === 'sample' && (
          <Badge size="xs" variant="outline" tt="none">
            sample
          </Badge>
        )}
      </Group>
      <Text size="xs" c="dimmed" lh="18px" title={model.directory}>
        {placeText(model)}
      </Text>
    </>
  )
}

/** Where it was found. */
const placeText = ({ source, foundIn }: FoundModel): string =>
  source === 'sample' ? SOURCE_LABELS.sample : `${SOURCE_LABELS[source]}: ${shortenPath(foundIn, 44)}`

function RemoveButton({
  model,
  onRemove
}: {
  readonly model: FoundModel
  readonly onRemove: (model: FoundModel) => void
}) {
  const label = `Remove ${fullName(model)} from the list`
  return (
    <Tooltip label="Remove from list; files stay">
      <ActionIcon
        variant="subtle"
        color="gray"
        size="sm"
        aria-label={label}
        onClick={(event) => {
          event.stopPropagation()
          onRemove(model)
        }}
      >
        <IconX size={14} aria-hidden />
      </ActionIcon>
    </Tooltip>
  )
}
