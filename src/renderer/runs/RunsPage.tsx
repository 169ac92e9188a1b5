import { Button, Stack } from '@mantine/core'
import { IconListDetails, IconPlus } from '@tabler/icons-react'
import { Link } from 'wouter'
import type { RunListEntry } from '../../shared/contract/runs'
import { useCall } from '../api/hooks'
import { EmptyState } from '../components/EmptyState'
import { PageFrame } from '../components/PageFrame'
import { QueryView } from '../components/QueryView'
import { formatCount, plural } from '../format/numbers'
import { InterruptedNotice } from './InterruptedNotice'
import { QueueSection } from './QueueSection'
import { RunBrowser } from './RunBrowser'

/** What is worked on and what waits; under it every run that was made. */
export function RunsPage() {
  const list = useCall('runs.list', {})
  return (
    <PageFrame
      title="Runs"
      subtitle={list.data && summaryOf(list.data)}
      actions={list.data?.length !== 0 && <NewRun />}
    >
      <QueryView query={list} failure="The runs could not be read" rows={8}>
        {(runs) => <Runs runs={runs} />}
      </QueryView>
    </PageFrame>
  )
}

function Runs({ runs }: { readonly runs: readonly RunListEntry[] }) {
  const queue = useCall('queue.state', {}).data
  const elsewhere = runs.filter(({ id, status }) => status === 'running' && id !== queue?.running?.id)
  return (
    <Stack gap="lg">
      <InterruptedNotice runs={runs.filter(({ status }) => status === 'interrupted')} />
      {queue && <QueueSection queue={queue} elsewhere={elsewhere} />}
      {runs.length === 0 ? (
        <EmptyState icon={<IconListDetails />} title="No run yet" action={<NewRun />}>
          A run prepares adapters for one model and proves what they repair. Runs that work and wait are shown here, and
          every one that was made.
        </EmptyState>
      ) : (
        <RunBrowser runs={runs} />
      )}
    </Stack>
  )
}

function NewRun() {
  return (
    <Button component={Link} href="/new" leftSection={<IconPlus size={16} aria-hidden />}>
      New run
    </Button>
  )
}

function summaryOf(runs: readonly RunListEntry[]): string {
  const completed = runs.filter(({ status }) => status === 'completed').length
  return runs.length === 0
    ? 'Nothing was made yet.'
    : `${plural(runs.length, 'run')}, ${formatCount(completed)} completed.`
}
