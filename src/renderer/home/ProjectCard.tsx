import { Anchor, Badge, Card, Group, Stack, Text, Title } from '@mantine/core'
import { Link, useLocation } from 'wouter'
import type { ProjectCard as Project } from '../../shared/contract/projects'
import { useProject } from '../api/useProject'
import { RelativeTime } from '../components/RelativeTime'
import { plural } from '../format/numbers'
import { ProjectActions } from './ProjectActions'
import { ResultSummary } from './ResultSummary'

/** A project with what its newest completed run reached. */
export function ProjectCard({ project }: { readonly project: Project }) {
  const { id, name, notes, runs, lastResult, archivedAtMs } = project
  const [, setProject] = useProject()
  const [, navigate] = useLocation()
  const open = (): void => {
    setProject(id)
    navigate(`/runs?project=${encodeURIComponent(id)}`)
  }
  return (
    <Card withBorder component="article" aria-label={`Project ${name}`}>
      <Stack gap="xs" h="100%">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Title order={3} size="h5" style={{ overflowWrap: 'anywhere' }}>
            <Anchor component="button" type="button" inherit c="inherit" ta="left" onClick={open}>
              {name}
            </Anchor>
          </Title>
          <Group gap={4} wrap="nowrap">
            {archivedAtMs !== null && <Badge variant="default">archived</Badge>}
            <ProjectActions project={project} />
          </Group>
        </Group>
        <Text size="sm" c="dimmed">
          {plural(runs, 'run')}
          {lastResult !== null && (
            <>
              {', last finished '}
              <RelativeTime atMs={lastResult.finishedAtMs} />
            </>
          )}
        </Text>
        {notes !== '' && (
          <Text size="sm" lineClamp={4} title={notes} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {notes}
          </Text>
        )}
        {lastResult === null ? (
          <Text size="sm">
            {runs === 0 ? 'Nothing here yet. ' : 'No run has been completed yet. '}
            <Anchor component={Link} href="/new" onClick={() => setProject(id)} inherit>
              Start a run
            </Anchor>
          </Text>
        ) : (
          <ResultSummary result={lastResult} />
        )}
      </Stack>
    </Card>
  )
}
