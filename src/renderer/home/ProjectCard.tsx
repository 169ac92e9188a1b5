import { ActionIcon, Anchor, Badge, Card, Group, Menu, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconArchive, IconArchiveOff, IconDots, IconPencil } from '@tabler/icons-react'
import { Link, useLocation } from 'wouter'
import type { ProjectCard as Project } from '../../shared/contract/projects'
import { useAction } from '../api/hooks'
import { DEFAULT_PROJECT, useProject } from '../api/useProject'
import { notifyDone, notifyError } from '../components/notify'
import { RelativeTime } from '../components/RelativeTime'
import { plural } from '../format/numbers'
import { ProjectNameModal } from './ProjectNameModal'
import { ResultSummary } from './ResultSummary'

/** A project with what its newest completed run reached. */
export function ProjectCard({ project }: { readonly project: Project }) {
  const { id, name, runs, lastResult, archivedAtMs } = project
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

function ProjectActions({ project: { id, name, archivedAtMs } }: { readonly project: Project }) {
  const [renaming, { open, close }] = useDisclosure(false)
  const rename = useAction('projects.rename', close)
  const archive = useAction('projects.setArchived', (_done, { archived }) =>
    notifyDone(archived ? `${name} is archived; its runs stay as they are.` : `${name} is back.`)
  )
  if (id === DEFAULT_PROJECT) return null
  const archived = archivedAtMs !== null
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`Actions for ${name}`}>
            <IconDots size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={14} aria-hidden />} onClick={open}>
            Rename…
          </Menu.Item>
          <Menu.Item
            leftSection={archived ? <IconArchiveOff size={14} aria-hidden /> : <IconArchive size={14} aria-hidden />}
            onClick={() =>
              archive.mutate(
                { id, archived: !archived },
                { onError: (error) => notifyError('The project was not changed', error) }
              )
            }
          >
            {archived ? 'Bring back' : 'Archive'}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ProjectNameModal
        key={String(renaming)}
        opened={renaming}
        onClose={close}
        title={`Rename ${name}`}
        confirm="Rename"
        initial={name}
        error={rename.error?.message}
        onConfirm={(next) => rename.mutate({ id, name: next })}
      />
    </>
  )
}
