import { Button, Card, Group, Stack, Text, Title } from '@mantine/core'
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import type { QueueState } from '../../shared/contract/queue'
import type { RunListEntry } from '../../shared/contract/runs'
import { useJob } from '../api/useJob'
import { plural } from '../format/numbers'
import { holdQueue, LET_GO_ON, pauseLabel } from './queueActions'
import { RunningJob } from './RunningJob'
import { WaitingList } from './WaitingList'

interface Props {
  readonly queue: QueueState
  /** Runs that another process works on. */
  readonly elsewhere: readonly RunListEntry[]
}

/** What is worked on, what waits, and the switch that holds it; nothing while there is neither. */
export function QueueSection({ queue, elsewhere }: Props) {
  const { progress } = useJob()
  const { running, waiting, held } = queue
  if (running === null && waiting.length === 0 && elsewhere.length === 0 && !held) return null
  const now = progress ?? queue.progress
  return (
    <Card withBorder padding="md" component="section" aria-label="Queue">
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap">
          <Group gap="sm" align="baseline">
            <Title order={2} size="h4">
              Queue
            </Title>
            <Text size="sm" c="dimmed" role="status">
              {queueSentence(queue)}
            </Text>
          </Group>
          <HoldButton queue={queue} />
        </Group>
        {running !== null && <RunningJob run={running} progress={now?.run === running.id ? now : null} held={held} />}
        {elsewhere.map((run) => (
          <RunningJob key={run.id} run={run} progress={null} held={false} elsewhere />
        ))}
        {waiting.length > 0 && <WaitingList runs={waiting} />}
      </Stack>
    </Card>
  )
}

function HoldButton({ queue: { held, running } }: { readonly queue: QueueState }) {
  if (held) {
    return (
      <Button
        size="xs"
        variant={running === null ? 'filled' : 'default'}
        leftSection={<IconPlayerPlay size={14} aria-hidden />}
        onClick={() => void holdQueue(false)}
      >
        {running === null ? LET_GO_ON : 'Keep on'}
      </Button>
    )
  }
  return (
    <Button
      size="xs"
      variant="default"
      leftSection={<IconPlayerPause size={14} aria-hidden />}
      onClick={() => void holdQueue(true)}
    >
      {pauseLabel(running !== null)}
    </Button>
  )
}

function queueSentence({ running, waiting, held }: QueueState): string {
  const others = `${plural(waiting.length, 'run')} ${waiting.length === 1 ? 'waits' : 'wait'}`
  if (held && running !== null) return 'Pauses when the present part is done; nothing is lost.'
  if (held) return waiting.length === 0 ? 'Paused. Runs that you start wait here.' : `Paused. ${others}.`
  if (running === null) return waiting.length === 0 ? 'Nothing is worked on here.' : `${others}.`
  return waiting.length === 0 ? 'One run is worked on.' : `One run is worked on, ${others}.`
}
