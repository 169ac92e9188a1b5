import { Button, Card, Group, Menu, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core'
import { IconArrowsDiff, IconDownload, IconFileReport, IconPlus, IconSearch } from '@tabler/icons-react'
import { useCallback, useDeferredValue, useMemo, useState } from 'react'
import { useLocation } from 'wouter'
import type { ComparedRun } from '../../shared/compare/comparedRun'
import { type Filtered, parseFilter } from '../../shared/compare/filter'
import { comparisonTable, metricsOf } from '../../shared/compare/metrics'
import { type Pairing, pairingSentences } from '../../shared/compare/pairing'
import { type ComparisonRow, comparisonRows, textsOf } from '../../shared/compare/rows'
import { MAX_REPORTED_RUNS } from '../../shared/contract/compare'
import { modelName } from '../../shared/modelName'
import { useAction, useCall } from '../api/hooks'
import { toCsv } from '../charts/chartTable'
import { EmptyState } from '../components/EmptyState'
import { notifyError } from '../components/notify'
import { PageFrame } from '../components/PageFrame'
import { QueryView } from '../components/QueryView'
import { saveFile } from '../components/saveFile'
import { plural } from '../format/numbers'
import { ErrorCurvesCard } from './ErrorCurvesCard'
import { FILTER_HINT } from './filterHint'
import { MetricsTable } from './MetricsTable'
import { PerplexityRankCard } from './PerplexityRankCard'
import { RowDrawer } from './RowDrawer'
import { RowPicker } from './RowPicker'
import { SettingsDiff } from './SettingsDiff'
import { type Comparison, shortKeys, useComparison } from './useComparison'

/** Variants of any runs side by side. */
export function ComparePage() {
  const comparison = useComparison()
  const { ids } = comparison
  const query = useCall('compare.runs', { ids: [...ids] }, { enabled: ids.length > 0, keepPrevious: true })
  if (ids.length === 0) return <Empty comparison={comparison} />
  return (
    <QueryView query={query} page="Compare" failure="The runs could not be read" rows={8}>
      {(runs) =>
        runs.length === 0 ? <Empty comparison={comparison} /> : <Compared runs={runs} comparison={comparison} />
      }
    </QueryView>
  )
}

const NONE: ReadonlySet<string> = new Set()

/** Nothing is chosen, or of what was chosen nothing is there any more. */
function Empty({ comparison }: { readonly comparison: Comparison }) {
  const gone = comparison.ids.length > 0
  const [picking, setPicking] = useState(false)
  const [, navigate] = useLocation()
  const runs = useCall('runs.list', {})
  const none = runs.data?.length === 0
  return (
    <PageFrame
      title="Compare"
      subtitle={gone ? missingText(comparison.ids.length) : 'Which variant is better, and what was set differently?'}
    >
      <EmptyState
        icon={<IconArrowsDiff />}
        title={none ? 'There is no run to compare yet' : 'Choose what to compare'}
        action={
          none ? (
            <Button onClick={() => navigate('/new')}>New run</Button>
          ) : (
            <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setPicking(true)}>
              Choose runs and variants
            </Button>
          )
        }
      >
        Variants of any runs stand side by side here: perplexity, error removed, only the settings that differ, and
        their curves over each other.
      </EmptyState>
      <RowPicker opened={picking} onClose={() => setPicking(false)} chosen={NONE} onChange={comparison.setKeys} />
    </PageFrame>
  )
}

interface Props {
  readonly runs: readonly ComparedRun[]
  readonly comparison: Comparison
}

function Compared({ runs, comparison }: Props) {
  const { keys, setKeys, setBaseline } = comparison
  const [picking, setPicking] = useState(false)
  const [text, setText] = useState('')
  const [openKey, setOpenKey] = useState<string>()
  const wanted = useDeferredValue(text)
  const all = useMemo(() => comparisonRows(runs, keys), [runs, keys])
  const rows = useMemo(() => {
    const passes = parseFilter(wanted)
    return wanted.trim() === '' ? all : all.filter((row) => passes(wordsOf(row)))
  }, [all, wanted])
  const baseline = all.find(({ key }) => key === comparison.baseline)
  const pairing = usePairing(runs, baseline?.key)
  const metrics = useMemo(() => metricsOf(textsOf(all), all, pairing), [all, pairing])
  const variantsOf = useMemo(() => new Map(runs.map((run) => [run.id, run.variants.map(({ name }) => name)])), [runs])
  const chosen = useMemo(() => new Set(all.map(({ key }) => key)), [all])
  const knownTags = useMemo(() => [...new Set(runs.flatMap(({ tags }) => tags))].sort(), [runs])
  const remove = useCallback(
    (key: string) => setKeys(shortKeys(new Set([...chosen].filter((one) => one !== key)), variantsOf)),
    [chosen, variantsOf, setKeys]
  )
  const missing = comparison.ids.length - runs.length
  return (
    <PageFrame
      title="Compare"
      subtitle={subtitle(all, runs.length, missing)}
      actions={<Actions rows={rows} metrics={metrics} onPick={() => setPicking(true)} onClear={() => setKeys([])} />}
    >
      <Stack gap="xs">
        <TextInput
          maw={620}
          aria-label="Filter the compared variants"
          placeholder={FILTER_HINT}
          leftSection={<IconSearch size={14} aria-hidden />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <MetricsTable
          rows={rows}
          metrics={metrics}
          baseline={baseline}
          current={openKey}
          onPin={setBaseline}
          onRemove={remove}
          onOpen={({ key }) => setOpenKey(key)}
        />
        <Text size="xs" c="dimmed">
          {baseline === undefined
            ? 'Pin a variant to see how far the others are from it. Enter opens a line, with the tags and notes of its run.'
            : '▲ better, ▼ worse, ≈ not distinguishable from the baseline; ± one standard error; pp are percentage points.'}
          {baseline !== undefined && pairingText(pairing, runs)}
        </Text>
      </Stack>
      <Section title="Settings that differ">
        <SettingsDiff rows={rows} />
      </Section>
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Card withBorder padding="md">
          <PerplexityRankCard rows={rows} />
        </Card>
        <Card withBorder padding="md">
          <ErrorCurvesCard rows={rows} />
        </Card>
      </SimpleGrid>
      <RowPicker opened={picking} onClose={() => setPicking(false)} chosen={chosen} onChange={setKeys} />
      <RowDrawer
        row={all.find(({ key }) => key === openKey)}
        metrics={metrics}
        knownTags={knownTags}
        onClose={() => setOpenKey(undefined)}
      />
    </PageFrame>
  )
}

const NO_PAIRS: Pairing = {}

/** How the runs' variants differ from the baseline over rows; nothing until that is read, and within one run. */
function usePairing(runs: readonly ComparedRun[], baseline: string | undefined): Pairing {
  const ids = useMemo(() => runs.map(({ id }) => id), [runs])
  const enabled = baseline !== undefined && ids.length > 1
  return useCall('compare.paired', { baseline: baseline ?? '', ids }, { enabled }).data ?? NO_PAIRS
}

const pairingText = (pairing: Pairing, runs: readonly ComparedRun[]): string =>
  pairingSentences(pairing, new Map(runs.map(({ id, title }) => [id, title])), 'the baseline')
    .map((sentence) => ` ${sentence}`)
    .join('')

const wordsOf = ({ run, variant }: ComparisonRow): Filtered => ({
  name: `${run.title} ${run.id} ${variant.name}`,
  method: variant.method,
  rank: String(variant.rank),
  model: modelName(run.model),
  tag: run.tags.join(' '),
  status: run.status
})

function subtitle(rows: readonly ComparisonRow[], runs: number, missing: number): string {
  const what = `${plural(rows.length, 'variant')} of ${plural(runs, 'run')}`
  return missing === 0 ? what : `${what}; ${missingText(missing)}`
}

const missingText = (missing: number): string =>
  `${plural(missing, 'run')} of the address ${missing === 1 ? 'is' : 'are'} not there any more`

function Section({ title, children }: { readonly title: string; readonly children: React.ReactNode }) {
  return (
    <Stack gap="xs" component="section" aria-label={title}>
      <Title order={2} size="h4">
        {title}
      </Title>
      {children}
    </Stack>
  )
}

interface ActionsProps {
  readonly rows: readonly ComparisonRow[]
  readonly metrics: ReturnType<typeof metricsOf>
  readonly onPick: () => void
  readonly onClear: () => void
}

function Actions({ rows, metrics, onPick, onClear }: ActionsProps) {
  const report = useAction('compare.report')
  const runs = new Set(rows.map(({ run }) => run.id)).size
  const tooMany = runs > MAX_REPORTED_RUNS
  const saveReport = (): void =>
    report.mutate(
      { rows: rows.map(({ key }) => key) },
      {
        onSuccess: ({ name, html }) => void saveFile({ name, content: html }),
        onError: (error) => notifyError('The report could not be made', error)
      }
    )
  return (
    <Group gap="xs">
      <Button variant="default" leftSection={<IconPlus size={16} aria-hidden />} onClick={onPick}>
        Runs and variants
      </Button>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <Button
            leftSection={<IconDownload size={16} aria-hidden />}
            loading={report.isPending}
            disabled={rows.length === 0}
          >
            Save
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconFileReport size={16} aria-hidden />} disabled={tooMany} onClick={saveReport}>
            Report as HTML{tooMany && ` (at most ${MAX_REPORTED_RUNS} runs)`}
          </Menu.Item>
          <Menu.Item
            leftSection={<IconDownload size={16} aria-hidden />}
            onClick={() => void saveFile({ name: 'comparison.csv', content: toCsv(comparisonTable(rows, metrics)) })}
          >
            Table as CSV
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item onClick={onClear}>Take all out</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  )
}
