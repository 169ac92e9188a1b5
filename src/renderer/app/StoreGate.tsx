import { Box, Button, Container, List, Stack, Text, Title } from '@mantine/core'
import { IconDatabaseExclamation } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import type { StoreRebuilt, StoreState } from '../../shared/contract/store'
import type { SerializedError } from '../../shared/errors'
import { useAction, useCall, useWindowEvent } from '../api/hooks'
import { queryClient } from '../api/queryClient'
import { EmptyState } from '../components/EmptyState'
import { ErrorCard } from '../components/ErrorCard'
import { notifyDone } from '../components/notify'
import { QueryView } from '../components/QueryView'
import { plural } from '../format/numbers'

/** Lets the window through when the database is in order; else says what is wrong and offers what helps. */
export function StoreGate({ children }: { readonly children: ReactNode }) {
  const state = useCall('store.state', {})
  const [died, setDied] = useState<SerializedError | null>(null)
  useWindowEvent('engine.state', (event) => {
    if (event.state === 'gaveUp') setDied(event.error ?? null)
    if (event.state === 'ready' || event.state === 'failed') setDied(null)
  })
  // A page that is loaded after the last death has no event, only the answer that every call gets.
  const error = died ?? (state.data === undefined ? state.error : null)
  if (error !== null) return <EngineProblem error={error} />
  return (
    <QueryView query={state} failure="The engine process does not answer">
      {(found) => (found.problem === null ? children : <StoreProblem state={found} problem={found.problem} />)}
    </QueryView>
  )
}

function EngineProblem({ error }: { readonly error: SerializedError }) {
  return (
    <Container size="sm" py="xl">
      <Stack align="flex-start">
        <Title order={1} size="h3">
          The engine does not run
        </Title>
        <ErrorCard title="The engine process does not answer" error={error} />
        <RestartButton label="Start the engine again" />
      </Stack>
    </Container>
  )
}

function RestartButton({ label }: { readonly label: string }) {
  const restart = useAction('app.restartEngine', () => void queryClient.invalidateQueries())
  return (
    <Button loading={restart.isPending} onClick={() => restart.mutate({})}>
      {label}
    </Button>
  )
}

function StoreProblem({ state, problem }: { readonly state: StoreState; readonly problem: string }) {
  const rebuild = useAction('store.rebuild', (rebuilt) => {
    notifyDone(summaryOf(rebuilt))
    void queryClient.invalidateQueries()
  })
  return (
    <Container size="sm" py="xl">
      <EmptyState
        icon={<IconDatabaseExclamation />}
        title="The database cannot be used"
        action={
          state.canRebuild ? (
            <Button loading={rebuild.isPending} onClick={() => rebuild.mutate({})}>
              Make a new one from the run folders
            </Button>
          ) : (
            <RestartButton label="Try again" />
          )
        }
      >
        {problem}
      </EmptyState>
      <Stack>
        {state.canRebuild && (
          <Box>
            <Title order={2} size="h5">
              What a rebuild keeps
            </Title>
            <List size="sm">
              <List.Item>
                Every run with its recipe, results and adapters, and the calibration sets that runs used.
              </List.Item>
              <List.Item>
                Projects, notes and unused calibration sets are only in the damaged file, which is kept beside it.
              </List.Item>
            </List>
          </Box>
        )}
        <Text size="sm" c="dimmed">
          Data folder: {state.home}
        </Text>
        {rebuild.error && <ErrorCard title="The rebuild failed" error={rebuild.error} />}
      </Stack>
    </Container>
  )
}

const summaryOf = ({ runs, calibrationSets, problems }: StoreRebuilt): string => {
  const left = problems.length === 0 ? '' : `; ${plural(problems.length, 'folder')} could not be read`
  return `The database holds ${plural(runs, 'run')} and ${plural(calibrationSets, 'calibration set')} again${left}.`
}
