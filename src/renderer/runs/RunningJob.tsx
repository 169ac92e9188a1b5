import { Anchor, Badge, Button, Group, Progress, Stack, Text } from '@mantine/core'
import { IconPlayerStop } from '@tabler/icons-react'
import { Link } from 'wouter'
import type { RunListEntry, RunProgress } from '../../shared/contract/runs'
import { modelName } from '../../shared/modelName'
import { plural } from '../format/numbers'
import { ELSEWHERE } from './elsewhere'
import { jobFigures, phaseText } from './jobText'
import { cancelRun } from './queueActions'
import { runAddress } from './runAddress'
import { statusText } from './status'

/** Names go on in the next line. */
const WHOLE = { overflowWrap: 'anywhere', minWidth: 0 } as const

interface Props {
  readonly run: RunListEntry
  /** Null until the engine reports. */
  readonly progress: RunProgress | null
  readonly held: boolean
  /** Another process works on it, which is where it is stopped. */
  readonly elsewhere?: boolean
}

/** The run that is worked on: how far it is, how long it takes, and how to stop it. */
export function RunningJob({ run, progress, held, elsewhere = false }: Props) {
  const state = progress === null ? 'Starting' : phaseText(progress)
  return (
    <Stack gap={6} role="group" aria-label={`Working on ${run.title}`}>
      <Group justify="space-between" wrap="nowrap" gap="md">
        <Group gap="xs" style={{ minWidth: 0 }}>
          <Badge variant="light" color="blue" tt="none" style={{ flexShrink: 0 }}>
            {statusText('running')}
          </Badge>
          <Anchor component={Link} href={runAddress(run.id)} fw={600} size="sm" style={WHOLE}>
            {run.title}
          </Anchor>
          <Text size="sm" c="dimmed" style={WHOLE}>
            {modelName(run.model)} · {plural(run.variants.length, 'variant')}
          </Text>
        </Group>
        {!elsewhere && (
          <Button
            size="xs"
            variant="default"
            style={{ flexShrink: 0 }}
            leftSection={<IconPlayerStop size={14} aria-hidden />}
            aria-label={`Stop ${run.title}`}
            onClick={() => void cancelRun(run.id)}
          >
            Stop
          </Button>
        )}
      </Group>
      {elsewhere ? (
        <Text size="sm" c="dimmed">
          {ELSEWHERE}
        </Text>
      ) : (
        <>
          <Progress
            value={progress === null ? 0 : 100 * progress.share}
            animated={held}
            striped={held}
            aria-label={`Progress of ${run.title}`}
          />
          <Text size="sm" c="dimmed" className="num">
            {[state, ...(progress === null ? [] : jobFigures(progress))].join(' · ')}
          </Text>
        </>
      )}
    </Stack>
  )
}
