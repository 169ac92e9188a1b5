import { Box, Group, Loader, Progress, Text, UnstyledButton } from '@mantine/core'
import { Link } from 'wouter'
import { useJob } from '../api/useJob'
import { formatDuration } from '../format/time'
import { phaseText } from '../runs/jobText'

/** The running job, visible from every page; a click opens it. */
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
        <Text size="sm">Quail quits after the present block…</Text>
      </Group>
    )
  }
  if (progress === null) return null
  const left = progress.remainingMs === null ? '' : ` · ${formatDuration(progress.remainingMs.high)} left at most`
  const more = waiting === 0 ? '' : ` · ${waiting} waiting`
  return (
    <UnstyledButton
      component={Link}
      href={`/runs/${progress.run}`}
      style={{ minWidth: 0, maxWidth: 420, width: '100%' }}
    >
      <Box>
        <Text size="xs" truncate className="num">
          <b>{progress.title}</b> · {phaseText(progress).toLowerCase()}
          {left}
          {more}
        </Text>
        <Progress value={100 * progress.share} size="xs" aria-label={`Progress of ${progress.title}`} />
      </Box>
    </UnstyledButton>
  )
}
