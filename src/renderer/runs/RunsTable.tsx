import { ActionIcon, Badge, Group, Text } from '@mantine/core'
import { IconPlayerPlay } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useLocation } from 'wouter'
import type { RunListEntry, RunVariant } from '../../shared/contract/runs'
import { headlineSentences, type QuantizerResult } from '../../shared/headline'
import { modelName } from '../../shared/modelName'
import { isResumable } from '../../shared/resumable'
import { type Column, DataTable } from '../components/DataTable'
import { gapWord } from '../format/gapText'
import { formatDuration, formatExact, formatRelative } from '../format/time'
import { resumeRuns } from './queueActions'
import { RunStatusBadge } from './RunStatusBadge'
import { gapShare, headlineOfRun, runAddress, variantsText } from './runRow'

interface Props {
  readonly runs: readonly RunListEntry[]
  readonly selected: ReadonlySet<string>
  readonly onSelect: (selected: ReadonlySet<string>) => void
  readonly empty: ReactNode
}

/** All runs, one line each; opens their page. */
export function RunsTable({ runs, selected, onSelect, empty }: Props) {
  const [, navigate] = useLocation()
  return (
    <DataTable
      label="Runs"
      rows={runs}
      columns={COLUMNS}
      rowKey={({ id }) => id}
      onOpen={({ id }) => navigate(runAddress(id))}
      initialSort={NEWEST_FIRST}
      selected={selected}
      onSelect={onSelect}
      rowHeight={44}
      empty={empty}
    />
  )
}

const NEWEST_FIRST = { key: 'made', descending: true }

// Hints are plain titles: hundreds of floating ones would cost the frames that scrolling needs.
const COLUMNS: readonly Column<RunListEntry>[] = [
  {
    key: 'status',
    title: 'Status',
    width: '136px',
    sortBy: ({ status }) => status,
    render: ({ status }) => <RunStatusBadge status={status} />
  },
  {
    key: 'name',
    title: 'Run',
    width: 'minmax(150px, 2fr)',
    wrapAt: 128,
    below: 1,
    text: ({ title }) => title,
    sortBy: ({ title }) => title,
    render: (run) => <Name run={run} />
  },
  {
    key: 'model',
    title: 'Model',
    width: 'minmax(84px, 1.2fr)',
    wrapAt: 72,
    text: ({ model }) => modelName(model),
    sortBy: ({ model }) => modelName(model),
    render: ({ model }) => <span title={model}>{modelName(model)}</span>
  },
  {
    key: 'variants',
    title: 'Variants',
    term: 'variant',
    width: 'minmax(104px, 1.2fr)',
    wrapAt: 84,
    text: variantsText,
    sortBy: ({ variants }) => variants.length,
    render: (run) => <span title={run.variants.map(({ name }) => name).join('\n')}>{variantsText(run)}</span>
  },
  {
    key: 'gap',
    title: 'Gap closed',
    term: 'gap closed',
    width: '136px',
    align: 'right',
    wrapAt: 112,
    below: 1,
    text: gapText,
    sortBy: gapShare,
    render: (run) => <Gap run={run} />
  },
  {
    key: 'made',
    title: 'Made',
    width: '136px',
    sortBy: ({ createdAtMs }) => createdAtMs,
    render: (run) => <Made run={run} />
  },
  {
    key: 'tags',
    title: 'Tags',
    width: 'minmax(64px, 1fr)',
    sortBy: ({ tags }) => tags.join(' ') || undefined,
    render: ({ tags }) => <Tags tags={tags} />
  },
  {
    key: 'resume',
    title: '',
    width: '44px',
    render: (run) => (isResumable(run) ? <ResumeButton run={run} /> : null)
  }
]

function Name({ run: { id, title, notes } }: { readonly run: RunListEntry }) {
  return (
    <>
      <Text size="sm" fw={600} lh="18px" title={title}>
        {title}
      </Text>
      <Text size="xs" c="dimmed" truncate title={notes === '' ? id : notes}>
        {notes === '' ? id : notes}
      </Text>
    </>
  )
}

function Made({ run: { createdAtMs, workedMs, status } }: { readonly run: RunListEntry }) {
  return (
    <>
      <Text size="sm" truncate title={formatExact(createdAtMs)}>
        {formatRelative(createdAtMs)}
      </Text>
      {workedMs !== null && status !== 'running' && (
        <Text size="xs" c="dimmed" truncate className="num" title="Time worked on it">
          took {formatDuration(workedMs)}
        </Text>
      )}
    </>
  )
}

function Gap({ run }: { readonly run: RunListEntry }) {
  const headline = headlineOfRun(run)
  if (headline === null) return <span title="No perplexity was measured">–</span>
  const { text, results } = headline
  const title = headlineSentences(run).join('\n')
  if (results.length === 1) return <span title={title}>{gapWord(results[0], results[0].variants[0])}</span>
  const more = results.length - LINES
  return (
    <Text size="xs" component="div" lh={1.35} title={`On ${text}:\n${title}`}>
      {results.slice(0, more > 0 ? LINES - 1 : LINES).map((result) => (
        <div key={result.quantizer}>{lineOf(result)}</div>
      ))}
      {more > 0 && <div>and {more + 1} more</div>}
    </Text>
  )
}

/** Quantizers that have room in a line of the table. */
const LINES = 2

const lineOf = (result: QuantizerResult<RunVariant>): string => `${result.label} ${gapWord(result, result.variants[0])}`

/** The longest line of the cell. */
function gapText(run: RunListEntry): string {
  const results = headlineOfRun(run)?.results ?? []
  return results.length < 2
    ? results.map((one) => gapWord(one, one.variants[0])).join('')
    : results.map(lineOf).reduce((a, b) => (b.length > a.length ? b : a))
}

function Tags({ tags }: { readonly tags: readonly string[] }) {
  return (
    <Group gap={4} wrap="nowrap" title={tags.join(', ')}>
      {tags.map((tag) => (
        <Badge key={tag} size="sm" variant="default" tt="none" style={{ flexShrink: 0 }}>
          {tag}
        </Badge>
      ))}
    </Group>
  )
}

function ResumeButton({ run }: { readonly run: RunListEntry }) {
  const label = `Resume ${run.title}`
  return (
    <ActionIcon
      variant="subtle"
      title="Resume after the last finished block"
      aria-label={label}
      onClick={(event) => {
        event.stopPropagation()
        void resumeRuns([run.id])
      }}
    >
      <IconPlayerPlay size={16} aria-hidden />
    </ActionIcon>
  )
}
