import { ActionIcon, Text } from '@mantine/core'
import { IconPlayerPlay } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useLocation } from 'wouter'
import type { RunListEntry, RunVariant } from '../../shared/contract/runs'
import { durationText } from '../../shared/durationText'
import { headlineSentences, type QuantizerResult } from '../../shared/headline'
import { modelName } from '../../shared/modelName'
import { isResumable } from '../../shared/resumable'
import type { Column } from '../components/column'
import { DataTable } from '../components/DataTable'
import { useNow } from '../components/useNow'
import { gapWord } from '../format/gapText'
import { formatExact, formatRelative } from '../format/time'
import { resumeRuns } from './queueActions'
import { RunStatusBadge } from './RunStatusBadge'
import { runAddress } from './runAddress'
import { gapShare, headlineOfRun, variantsText } from './runRow'

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
      rowName={({ title }) => title}
      last
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
    width: '122px',
    sortBy: ({ status }) => status,
    render: ({ status }) => <RunStatusBadge status={status} />
  },
  {
    key: 'name',
    title: 'Run',
    width: 'minmax(136px, 2fr)',
    wrapAt: 112,
    bold: true,
    text: ({ title }) => title,
    below: (run) => [nameBelow(run)].filter((line) => line !== ''),
    sortBy: ({ title }) => title,
    render: (run) => <Name run={run} />
  },
  {
    key: 'model',
    title: 'Model',
    width: 'minmax(84px, 1.2fr)',
    wrapAt: 72,
    folds: true,
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
    folds: true,
    text: variantsText,
    sortBy: ({ variants }) => variants.length,
    render: (run) => <span title={run.variants.map(({ name }) => name).join('\n')}>{variantsText(run)}</span>
  },
  {
    key: 'gap',
    title: 'Gap closed',
    term: 'gap closed',
    width: '104px',
    align: 'right',
    wrapAt: 112,
    text: (run) => gapLines(run)[0] ?? '–',
    below: (run) => gapLines(run).slice(1),
    sortBy: gapShare,
    render: (run) => <Gap run={run} />
  },
  {
    key: 'made',
    title: 'Made',
    width: '124px',
    wrapAt: 112,
    text: ({ createdAtMs }) => formatRelative(createdAtMs),
    below: (run) => madeBelow(run),
    sortBy: ({ createdAtMs }) => createdAtMs,
    render: (run) => <Made run={run} />
  },
  {
    key: 'tags',
    title: 'Tags',
    width: 'minmax(64px, 1fr)',
    wrapAt: 160,
    folds: true,
    text: ({ tags }) => tags.join(', '),
    sortBy: ({ tags }) => tags.join(' ') || undefined,
    render: ({ tags }) => tags.join(', ')
  },
  {
    key: 'resume',
    title: '',
    label: 'Resume',
    width: '48px', // the button and what is around it: less leaves a dot of an ellipsis beside it
    render: (run) => (isResumable(run) ? <ResumeButton run={run} /> : null)
  }
]

function Name({ run }: { readonly run: RunListEntry }) {
  const { id, title, notes } = run
  const below = nameBelow(run)
  return (
    <>
      <Text size="sm" fw={600} lh="18px" title={title}>
        {title}
      </Text>
      {below !== '' && (
        <Text size="xs" c="dimmed" lh="18px" title={notes === '' ? undefined : `${id}\n${notes}`}>
          {below}
        </Text>
      )}
    </>
  )
}

/** What somebody noted of a run, its first line, or the id by which the command line knows it; one without a name is called so already. */
const nameBelow = ({ id, title, notes }: RunListEntry): string =>
  notes === '' ? (title === id ? '' : id) : (notes.split('\n', 1)[0] as string)

function Made({ run }: { readonly run: RunListEntry }) {
  const { createdAtMs } = run
  const now = useNow()
  return (
    <>
      <Text size="sm" lh="18px" title={formatExact(createdAtMs)}>
        {formatRelative(createdAtMs, now)}
      </Text>
      {madeBelow(run).map((line) => (
        <Text key={line} size="xs" c="dimmed" lh="18px" className="num" title="Time worked on it">
          {line}
        </Text>
      ))}
    </>
  )
}

const madeBelow = ({ workedMs, status }: RunListEntry): readonly string[] =>
  workedMs !== null && status !== 'running' ? [`took ${durationText(workedMs)}`] : []

function Gap({ run }: { readonly run: RunListEntry }) {
  const headline = headlineOfRun(run)
  if (headline === null) return <span title="No perplexity was measured">–</span>
  const [first, ...others] = gapLines(run)
  const several = headline.results.length > 1
  return (
    <Text
      size={several ? 'xs' : 'sm'}
      component="div"
      lh="18px"
      title={`${several ? `On ${headline.text}:\n` : ''}${headlineSentences(run).join('\n')}`}
    >
      {first}
      {others.map((line) => (
        <div key={line}>{line}</div>
      ))}
    </Text>
  )
}

/** Quantizers that have room in a line of the table. */
const LINES = 2

/** What is closed of the gap of each quantizer. */
function gapLines(run: RunListEntry): readonly string[] {
  const results = headlineOfRun(run)?.results ?? []
  if (results.length < 2) return results.map((one) => gapWord(one, one.variants[0]))
  const lines = results.map(lineOf)
  return lines.length <= LINES ? lines : [...lines.slice(0, LINES - 1), `and ${lines.length - LINES + 1} more`]
}

const lineOf = (result: QuantizerResult<RunVariant>): string => `${result.label} ${gapWord(result, result.variants[0])}`

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
