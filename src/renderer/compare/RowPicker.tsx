import { Button, Drawer, Group, Stack, Text, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useDeferredValue, useMemo, useState } from 'react'
import { type Filtered, parseFilter } from '../../shared/compare/filter'
import { rowKey } from '../../shared/compare/rows'
import type { RunListEntry } from '../../shared/contract/runs'
import { modelName } from '../../shared/modelName'
import { STATUS_WORDS } from '../../shared/runWords'
import { useCall } from '../api/hooks'
import type { Column } from '../components/column'
import { DataTable } from '../components/DataTable'
import { QueryView } from '../components/QueryView'
import { formatNumber, plural } from '../format/numbers'
import { formatRelative } from '../format/time'
import { FILTER_HINT } from './filterHint'
import { shortKeys } from './useComparison'

interface Props {
  readonly opened: boolean
  readonly onClose: () => void
  /** Rows `run/variant` that are compared now. */
  readonly chosen: ReadonlySet<string>
  readonly onChange: (keys: readonly string[]) => void
}

/** Every variant of every run, to choose from by search. */
export function RowPicker({ opened, onClose, chosen, onChange }: Props) {
  const runs = useCall('runs.list', {}, { enabled: opened })
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size={820}
      title={<Text fw={600}>Runs and variants to compare</Text>}
      overlayProps={{ backgroundOpacity: 0.25 }}
      transitionProps={{ duration: 120 }}
      closeButtonProps={{ 'aria-label': 'Close the list of runs' }}
    >
      <QueryView query={runs} failure="The runs could not be read" rows={8}>
        {(entries) => <Choice runs={entries} chosen={chosen} onChange={onChange} onClose={onClose} />}
      </QueryView>
    </Drawer>
  )
}

interface Candidate {
  readonly key: string
  readonly run: RunListEntry
  readonly variant: RunListEntry['variants'][number]
  readonly perplexity: number | undefined
  readonly words: Filtered
}

type ChoiceProps = Omit<Props, 'opened'> & { readonly runs: readonly RunListEntry[] }

function Choice({ runs, chosen, onChange, onClose }: ChoiceProps) {
  const [text, setText] = useState('')
  const [selected, setSelected] = useState(chosen)
  const wanted = useDeferredValue(text)
  const candidates = useMemo(() => runs.flatMap(candidatesOf), [runs])
  const shown = useMemo(() => {
    const passes = parseFilter(wanted)
    return candidates.filter(({ words }) => passes(words))
  }, [candidates, wanted])
  const variantsOf = useMemo(() => new Map(runs.map((run) => [run.id, run.variants.map(({ name }) => name)])), [runs])

  function select(next: ReadonlySet<string>): void {
    const visible = new Set(shown.map(({ key }) => key))
    // Choosing all or none of what the search shows leaves alone what it hides.
    setSelected(
      new Set([...[...selected].filter((key) => !visible.has(key)), ...[...next].filter((key) => visible.has(key))])
    )
  }

  return (
    <Stack gap="sm" h="calc(100dvh - 90px)">
      <TextInput
        data-autofocus
        aria-label="Search runs and variants"
        placeholder={FILTER_HINT}
        leftSection={<IconSearch size={14} aria-hidden />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <div style={{ flex: 1, minHeight: 0 }}>
        <DataTable
          label="Variants of all runs"
          rows={shown}
          columns={PICKER_COLUMNS}
          rowKey={keyOf}
          rowName={({ run, variant }) => `${variant.name} of ${run.title}`}
          selected={selected}
          onSelect={select}
          onOpen={({ key }) => {
            const next = new Set(selected)
            if (!next.delete(key)) next.add(key)
            setSelected(next)
          }}
          height="100%"
          empty={
            <Text size="sm" c="dimmed" py="xl" ta="center">
              {runs.length === 0 ? 'There is no run yet.' : 'No variant fits the search.'}
            </Text>
          }
        />
      </div>
      <Group justify="space-between">
        <Text size="sm" c="dimmed" className="num">
          {plural(shown.length, 'variant')} shown, {plural(selected.size, 'variant')} chosen
        </Text>
        <Group gap="xs">
          <Button variant="default" disabled={selected.size === 0} onClick={() => setSelected(new Set())}>
            Choose none
          </Button>
          <Button
            onClick={() => {
              onChange(shortKeys(selected, variantsOf))
              onClose()
            }}
          >
            Compare {plural(selected.size, 'variant')}
          </Button>
        </Group>
      </Group>
    </Stack>
  )
}

const keyOf = ({ key }: Candidate): string => key

const candidatesOf = (run: RunListEntry): Candidate[] =>
  run.variants.map((variant) => ({
    key: rowKey(run.id, variant.name),
    run,
    variant,
    perplexity: Object.values(run.perplexity)[0]?.variants[variant.name],
    words: {
      name: `${run.title} ${run.id} ${variant.name}`,
      method: variant.method,
      rank: String(variant.rank),
      model: modelName(run.model),
      tag: run.tags.join(' '),
      status: run.status
    }
  }))

const PICKER_COLUMNS: readonly Column<Candidate>[] = [
  {
    key: 'run',
    title: 'Run',
    width: 'minmax(160px, 2fr)',
    wrapAt: 200,
    text: ({ run }) => run.title,
    render: ({ run }) => <span title={run.id}>{run.title}</span>,
    sortBy: ({ run }) => run.title
  },
  {
    key: 'variant',
    title: 'Variant',
    width: 'minmax(120px, 1fr)',
    wrapAt: 200,
    text: ({ variant }) => variant.name,
    render: ({ variant }) => variant.name,
    sortBy: ({ variant }) => variant.name
  },
  {
    key: 'model',
    title: 'Model',
    width: 'minmax(110px, 1fr)',
    wrapAt: 140,
    text: ({ run }) => modelName(run.model),
    render: ({ run }) => modelName(run.model),
    sortBy: ({ run }) => modelName(run.model)
  },
  {
    key: 'perplexity',
    title: 'Perplexity',
    width: '96px',
    align: 'right',
    render: ({ perplexity, run }) => (perplexity === undefined ? STATUS_WORDS[run.status] : formatNumber(perplexity)),
    sortBy: ({ perplexity }) => perplexity
  },
  {
    key: 'tags',
    title: 'Tags',
    width: '110px',
    wrapAt: 160,
    text: ({ run }) => run.tags.join(', '),
    render: ({ run }) => run.tags.join(', '),
    sortBy: ({ run }) => run.tags.join(' ') || undefined
  },
  {
    key: 'made',
    title: 'Made',
    width: '110px',
    text: ({ run }) => formatRelative(run.createdAtMs),
    render: ({ run }) => formatRelative(run.createdAtMs),
    sortBy: ({ run }) => run.createdAtMs
  }
]
