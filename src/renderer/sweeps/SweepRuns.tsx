import { Alert, Anchor, Card, List, Progress, Stack, Table, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { Link } from 'wouter'
import { placeOf } from '../../shared/sweep'
import { runsSentence, type Sweep, sweepFailures } from '../../shared/sweep/results'
import { useCall } from '../api/hooks'
import { Sentence } from '../components/Sentence'
import { ELSEWHERE, useElsewhere } from '../runs/elsewhere'
import { HELD } from '../runs/queueActions'
import { RunStatusBadge } from '../runs/RunStatusBadge'
import { runAddress } from '../runs/runAddress'
import { statusText } from '../runs/status'
import { scrolledByKeys } from './scrolledByKeys'

/** How far a sweep is: a line for each calibration set, a column for each seed. */
export function SweepRuns({ sweep }: { readonly sweep: Sweep }) {
  const { definition, runs, completed, total } = sweep
  const elsewhere = useElsewhere(runs)
  const queue = useCall('queue.state', {})
  const held = queue.data?.held && runs.some(({ status }) => status === 'queued')
  const byIndex = new Map(runs.map((run) => [run.index, run]))
  const seeds = Array.from({ length: definition.seeds }, (_, seed) => seed)
  return (
    <Card withBorder component="section" aria-label="Runs of the sweep">
      <Stack gap="sm">
        {(elsewhere || held) && (
          <Text size="sm" c="dimmed">
            {elsewhere ? ELSEWHERE : HELD}
          </Text>
        )}
        <Progress value={(100 * completed) / total} aria-label={runsSentence(sweep)} />
        <Table.ScrollContainer
          minWidth={160 + 130 * definition.seeds}
          scrollAreaProps={scrolledByKeys('Runs of the sweep')}
        >
          <Table verticalSpacing={6} aria-label="Runs of the sweep">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Calibrated on</Table.Th>
                {seeds.map((seed) => (
                  <Table.Th key={seed}>Seed {seed}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {definition.sets.map(({ label }, set) => (
                <Table.Tr key={label}>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{label}</Table.Td>
                  {seeds.map((seed) => {
                    const run = byIndex.get(set * definition.seeds + seed)
                    return (
                      <Table.Td key={seed}>
                        {run === undefined ? <NotMade /> : <RunLink {...{ definition, run }} />}
                      </Table.Td>
                    )
                  })}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
        <Failures sweep={sweep} />
      </Stack>
    </Card>
  )
}

function RunLink({
  definition,
  run
}: {
  readonly definition: Sweep['definition']
  readonly run: Sweep['runs'][number]
}) {
  const { set, seed } = placeOf(definition, run.index)
  return (
    <Anchor
      component={Link}
      href={runAddress(run.id)}
      aria-label={`Run calibrated on ${set.label}, seed ${seed}: ${statusText(run.status)}`}
    >
      <RunStatusBadge status={run.status} />
    </Anchor>
  )
}

/** Why runs failed, so that it need not be looked for in each of them. */
function Failures({ sweep }: { readonly sweep: Sweep }) {
  const failures = sweepFailures(sweep)
  if (failures.length === 0) return null
  return (
    <Alert color="orange" variant="light" icon={<IconAlertTriangle aria-hidden />} title="Why runs failed">
      <List size="sm" spacing={4}>
        {failures.map(({ message, places }) => (
          <List.Item key={message} style={{ overflowWrap: 'anywhere' }}>
            <Sentence>{`${listed(places)}: ${message}`}</Sentence>
          </List.Item>
        ))}
      </List>
      <Text size="sm" mt={6}>
        Mend what is named; Go on then works on these runs again.
      </Text>
    </Alert>
  )
}

/** So many runs are named. */
const NAMED = 3

const listed = (places: readonly string[]): string =>
  places.length <= NAMED
    ? places.join('; ')
    : `${places.slice(0, NAMED - 1).join('; ')} and ${places.length - NAMED + 1} more`

const NotMade = () => (
  <Text size="sm" c="dimmed">
    not made yet
  </Text>
)
