import { Box, Group, Loader, Progress, Text, UnstyledButton } from '@mantine/core'
import { Link } from 'wouter'
import { useJob } from '../api/useJob'
import { formatRough } from '../format/time'
import { phaseText } from '../runs/jobText'
import { runAddress } from '../runs/runAddress'

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
        <Text size="sm">Quail quits after the present part; quit again to end at once…</Text>
      </Group>
    )
  }
  if (progress === null) return null
  const left = progress.remainingMs === null ? '' : ` · at most ${formatRough(progress.remainingMs.high)} left`
  const more = waiting === 0 ? '' : ` · ${waiting} waiting`
  return (
    <UnstyledButton
      component={Link}
      href={runAddress(progress.run)}
      style={{ minWidth: 0, maxWidth: 420, width: '100%' }}
    >
      <Box>
        {/* A long name gives way to how far the run is. */}
        <Group gap={4} wrap="nowrap" justify="center" className="num">
          <Text size="xs" fw={700} truncate style={{ minWidth: 0 }}>
            {progress.title}
          </Text>
          <Text size="xs" truncate style={{ flexShrink: 0, maxWidth: '75%' }}>
            · {phaseText(progress).toLowerCase()}
            {left}
            {more}
          </Text>
        </Group>
        <Progress value={100 * progress.share} size="xs" aria-label={`Progress of ${progress.title}`} />
      </Box>
    </UnstyledButton>
  )
}
