import { Button, Group, Menu, Text } from '@mantine/core'
import { IconArrowsDiff, IconFolderSymlink, IconPlayerPlay, IconTag, IconTrash } from '@tabler/icons-react'
import type { ProjectCard } from '../../shared/contract/projects'
import type { RunListEntry } from '../../shared/contract/runs'
import { isResumable } from '../../shared/resumable'
import { useAction } from '../api/hooks'
import { inUse } from '../api/useProject'
import { notifyDone, notifyError } from '../components/notify'
import { plural } from '../format/numbers'

interface Props {
  readonly chosen: readonly RunListEntry[]
  readonly projects: readonly ProjectCard[]
  readonly onClear: () => void
  readonly onCompare: () => void
  readonly onResume: () => void
  readonly onTags: () => void
  readonly onDelete: () => void
}

/** What can be done with the chosen runs. */
export function SelectionBar({ chosen, projects, onClear, onCompare, onResume, onTags, onDelete }: Props) {
  const works = chosen.some(({ status }) => status === 'running')
  return (
    <Group gap="xs" role="toolbar" aria-label="Chosen runs">
      <Text size="sm" fw={600} className="num">
        {plural(chosen.length, 'run')} chosen
      </Text>
      <Button size="xs" leftSection={<IconArrowsDiff size={14} aria-hidden />} onClick={onCompare}>
        Compare
      </Button>
      {chosen.some(isResumable) && (
        <Button size="xs" variant="default" leftSection={<IconPlayerPlay size={14} aria-hidden />} onClick={onResume}>
          Resume
        </Button>
      )}
      <Button size="xs" variant="default" leftSection={<IconTag size={14} aria-hidden />} onClick={onTags}>
        {chosen.length === 1 ? 'Name, tags, notes…' : 'Tags and notes…'}
      </Button>
      {projects.length > 1 && <MoveMenu chosen={chosen} projects={projects} />}
      <Button
        size="xs"
        variant="default"
        leftSection={<IconTrash size={14} aria-hidden />}
        disabled={works}
        title={works ? 'A run that is worked on is stopped before it is deleted' : undefined}
        onClick={onDelete}
      >
        Delete…
      </Button>
      <Button size="xs" variant="subtle" color="gray" onClick={onClear}>
        Choose none
      </Button>
    </Group>
  )
}

function MoveMenu({ chosen, projects }: Pick<Props, 'chosen' | 'projects'>) {
  const move = useAction('runs.setProject')
  const moveTo = ({ id, name }: ProjectCard): void =>
    move.mutate(
      { ids: chosen.map((run) => run.id), project: id },
      {
        onSuccess: () => notifyDone(`${plural(chosen.length, 'run')} moved to ${name}.`),
        onError: (error) => notifyError('The runs were not moved', error)
      }
    )
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <Button size="xs" variant="default" leftSection={<IconFolderSymlink size={14} aria-hidden />}>
          Move to project
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={320} style={{ overflow: 'auto' }}>
        {projects.filter(inUse).map((project) => (
          <Menu.Item
            key={project.id}
            disabled={chosen.every((run) => run.project === project.id)}
            onClick={() => moveTo(project)}
          >
            {project.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
