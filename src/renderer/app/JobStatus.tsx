import { ActionIcon, Box, Group, Loader, Progress, Text, Tooltip, UnstyledButton } from '@mantine/core'
import { IconPlayerStop } from '@tabler/icons-react'
import { Link } from 'wouter'
import type { RunProgress } from '../../shared/contract/runs'
import { useJob } from '../api/useJob'
import { formatRough } from '../format/time'
import { phaseText } from '../runs/jobText'
import { cancelRun } from '../runs/queueActions'
import { runAddress } from '../runs/runAddress'

/** Stops the run after what it is at; it can be resumed, so that nothing is asked. */
function StopJob({ run, title }: Pick<RunProgress, 'run' | 'title'>) {
  return (
    <Tooltip label="Stop; it can go on later">
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={`Stop what works now: ${title}`}
        onClick={() => void cancelRun(run)}
      >
        <IconPlayerStop size={16} aria-hidden />
      </ActionIcon>
    </Tooltip>
  )
}

/** The running job, visible from every page, with a button that stops it; a click opens it. */
export function JobStatus() {
  const { progress, waiting, engine } = useJob()
  if (engine === 'restarting') {
    return (
      <Group gap="xs">
        <Loader size="xs" />
        <Text size="sm">The engine is starting again…</Text>
      </Group>
    )
  }
  if (engine === 'closing') {
    return (
      <Group gap="xs">
        <Loader size="xs" />
        <Text size="sm">Quail quits after the present part; quit again to end at once…</Text>
      </Group>
    )
  }
  if (progress === null) return null
  const left = progress.remainingMs === null ? '' : ` · at most ${formatRough(progress.remainingMs.high)} left`
  const more = waiting === 0 ? '' : ` · ${waiting} waiting`
  const state = `${phaseText(progress).toLowerCase()}${left}${more}`
  return (
    <Group gap={4} wrap="nowrap" style={{ minWidth: 0, maxWidth: 456, width: '100%' }}>
      <UnstyledButton
        component={Link}
        href={runAddress(progress.run)}
        title={`${progress.title} · ${state}`}
        style={{ minWidth: 0, flex: 1 }}
      >
        <Box>
          {/* A long name gives way to how far the run is. */}
          <Group gap={4} wrap="nowrap" justify="center" className="num">
            <Text size="xs" fw={700} truncate style={{ minWidth: 0 }}>
              {progress.title}
            </Text>
            <Text size="xs" truncate style={{ flexShrink: 0, maxWidth: '75%' }}>
              · {state}
            </Text>
          </Group>
          <Progress value={100 * progress.share} size="xs" aria-label={`Progress of ${progress.title}`} />
        </Box>
      </UnstyledButton>
      <StopJob {...progress} />
    </Group>
  )
}
