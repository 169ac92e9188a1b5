import { Button, Card, Stack, Text } from '@mantine/core'
import { IconArrowsDiff, IconFileReport, IconPlayerPlay } from '@tabler/icons-react'
import { useMemo } from 'react'
import { Link, useParams } from 'wouter'
import { modelName } from '../../shared/modelName'
import { errorWords } from '../../shared/sweep/estimates'
import { type Sweep, sweepResults } from '../../shared/sweep/results'
import { sweepTables } from '../../shared/sweep/tables'
import { useAction, useCall } from '../api/hooks'
import { ErrorCard } from '../components/ErrorCard'
import { notifyDone } from '../components/notify'
import { PageFrame } from '../components/PageFrame'
import { QueryView } from '../components/QueryView'
import { plural } from '../format/numbers'
import { SweepChart } from './SweepChart'
import { SweepRuns } from './SweepRuns'
import { SweepTableCard } from './SweepTableCard'

/** One sweep: how far it is, its curve against rank, and its tables. */
export function SweepPage() {
  const { id = '' } = useParams()
  const query = useCall('sweeps.get', { id })
  return (
    <QueryView query={query} page="Sweep" failure="The sweep could not be read" rows={8}>
      {(sweep) => <Swept sweep={sweep} />}
    </QueryView>
  )
}

function Swept({ sweep }: { readonly sweep: Sweep }) {
  const { definition, completed, total, model } = sweep
  const results = useMemo(() => sweepResults(definition, sweep.runs), [definition, sweep.runs])
  const tables = useMemo(() => sweepTables(definition, results), [definition, results])
  // A sweep that nobody named is called as its model.
  const ofModel = definition.name === modelName(model) ? '' : `${modelName(model)}, `
  return (
    <PageFrame
      title={definition.name}
      subtitle={`${ofModel}${completed} of ${plural(total, 'run')} completed. ${errorWords(definition.seeds)}`}
      actions={<Actions sweep={sweep} />}
    >
      <Stack gap="lg">
        <SweepRuns sweep={sweep} />
        {results.figures.length === 0 ? (
          <Text c="dimmed" size="sm">
            {completed === 0
              ? 'Figures are shown as soon as the first run is completed.'
              : 'These runs have no evaluation text, so nothing was measured.'}
          </Text>
        ) : (
          <Card withBorder>
            <SweepChart results={results} />
          </Card>
        )}
        {tables.map((table) => (
          <SweepTableCard key={table.title} table={table} />
        ))}
      </Stack>
    </PageFrame>
  )
}

function Actions({ sweep: { definition, runs, completed, total } }: { readonly sweep: Sweep }) {
  const { id } = definition
  const resume = useAction('sweeps.resume')
  const report = useAction('sweeps.report', () =>
    notifyDone(`README.md, sweep.csv and sweep.json were written to ${definition.out}`)
  )
  const working = runs.filter(({ status }) => status === 'queued' || status === 'running').length
  const done = runs.filter(({ status }) => status === 'completed').map((run) => run.id)
  return (
    <>
      {completed + working < total && (
        <Button
          leftSection={<IconPlayerPlay size={16} aria-hidden />}
          loading={resume.isPending}
          onClick={() => resume.mutate({ id })}
        >
          Go on
        </Button>
      )}
      {done.length > 0 && (
        <>
          <Button
            variant="default"
            component={Link}
            href={`/compare?runs=${done.join(',')}`}
            leftSection={<IconArrowsDiff size={16} aria-hidden />}
          >
            Compare runs
          </Button>
          <Button
            variant="default"
            leftSection={<IconFileReport size={16} aria-hidden />}
            loading={report.isPending}
            onClick={() => report.mutate({ id })}
          >
            Write report
          </Button>
        </>
      )}
      {[resume.error, report.error].map(
        (error) => error && <ErrorCard key={error.message} title="That could not be done" error={error} />
      )}
    </>
  )
}
