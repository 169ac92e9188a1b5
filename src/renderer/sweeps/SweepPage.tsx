import { Card, Stack, Text } from '@mantine/core'
import { useMemo } from 'react'
import { useParams } from 'wouter'
import { modelName } from '../../shared/modelName'
import { errorWords } from '../../shared/sweep/estimates'
import { runsSentence, type Sweep, sweepResults } from '../../shared/sweep/results'
import { sweepTables } from '../../shared/sweep/tables'
import { useCall } from '../api/hooks'
import { PageFrame } from '../components/PageFrame'
import { QueryView } from '../components/QueryView'
import { SweepActions } from './SweepActions'
import { SweepChart } from './SweepChart'
import { SweepRuns } from './SweepRuns'
import { SweepTableCard } from './SweepTableCard'
import { ALL_SWEEPS } from './sweepAddress'

/** One sweep: how far it is, its curve against rank, and its tables. */
export function SweepPage() {
  const { id = '' } = useParams()
  const query = useCall('sweeps.get', { id })
  return (
    <QueryView query={query} page="Sweep" failure="The sweep could not be read" elsewhere={ALL_SWEEPS} rows={8}>
      {(sweep) => <Swept sweep={sweep} />}
    </QueryView>
  )
}

function Swept({ sweep }: { readonly sweep: Sweep }) {
  const { definition, completed, model } = sweep
  const results = useMemo(() => sweepResults(definition, sweep.runs), [definition, sweep.runs])
  const tables = useMemo(() => sweepTables(definition, results), [definition, results])
  // A sweep that nobody named is called as its model.
  const ofModel = definition.name === modelName(model) ? '' : `${modelName(model)}, `
  return (
    <PageFrame
      title={definition.name}
      subtitle={`${ofModel}${runsSentence(sweep)}. ${errorWords(definition.seeds)}`}
      actions={<SweepActions sweep={sweep} />}
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
