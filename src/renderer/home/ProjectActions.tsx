import { ActionIcon, Menu } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconArchive, IconArchiveOff, IconDots, IconNotes, IconPencil, IconTrash } from '@tabler/icons-react'
import type { ProjectCard as Project } from '../../shared/contract/projects'
import { call } from '../api/desktop'
import { useAction } from '../api/hooks'
import { DEFAULT_PROJECT, useProject } from '../api/useProject'
import { confirm } from '../components/confirm'
import { NameModal } from '../components/NameModal'
import { notifyDone, notifyError } from '../components/notify'
import { offerUndo } from '../components/undo'
import { formatBytes, plural } from '../format/numbers'
import { ProjectNotesModal } from './ProjectNotesModal'

/** What can be done with a project; the default one has notes alone. */
export function ProjectActions({ project }: { readonly project: Project }) {
  const { id, name, archivedAtMs } = project
  const [renaming, rename] = useDisclosure(false)
  const [noting, notes] = useDisclosure(false)
  const [present, setProject] = useProject()
  const renameAction = useAction('projects.rename', rename.close)
  const archived = archivedAtMs !== null
  // New runs do not belong to a project that is out of sight.
  const leave = (): void => {
    if (present === id) setProject(DEFAULT_PROJECT)
  }
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`Actions for ${name}`}>
            <IconDots size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconNotes size={14} aria-hidden />} onClick={notes.open}>
            Notes…
          </Menu.Item>
          {id !== DEFAULT_PROJECT && (
            <>
              <Menu.Item leftSection={<IconPencil size={14} aria-hidden />} onClick={rename.open}>
                Rename…
              </Menu.Item>
              <Menu.Item
                leftSection={
                  archived ? <IconArchiveOff size={14} aria-hidden /> : <IconArchive size={14} aria-hidden />
                }
                onClick={() => void setArchived(project, !archived).then((done) => done && !archived && leave())}
              >
                {archived ? 'Bring back' : 'Archive'}
              </Menu.Item>
              <Menu.Item
                leftSection={<IconTrash size={14} aria-hidden />}
                onClick={() => void deleteProject(project).then((done) => done && leave())}
              >
                Delete…
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      {renaming && (
        <NameModal
          onClose={rename.close}
          title={`Rename ${name}`}
          confirm="Rename"
          initial={name}
          error={renameAction.error?.message}
          onConfirm={(next) => renameAction.mutate({ id, name: next })}
        />
      )}
      {noting && <ProjectNotesModal project={project} onClose={notes.close} />}
    </>
  )
}

async function setArchived({ id, name }: Project, archived: boolean): Promise<boolean> {
  try {
    await call('projects.setArchived', { id, archived })
    notifyDone(archived ? `${name} is archived; its runs stay as they are.` : `${name} is back.`)
    return true
  } catch (error) {
    notifyError('The project was not changed', error)
    return false
  }
}

async function deleteProject({ id, name }: Project): Promise<boolean> {
  try {
    const { runs, bytes } = await call('projects.previewDeletion', { id })
    const lost = `${plural(runs, 'run')} with all figures and ${formatBytes(bytes)} of working files`
    const agreed = await confirm({
      title: `Delete the project “${name}”?`,
      body: `${runs === 0 ? 'It has no runs, and only its notes are lost' : `${lost} will be lost`}; for ten minutes this can be undone. Adapters that were written stay where they are.`,
      confirm: 'Delete the project'
    })
    if (!agreed) return false
    const { deletion } = await call('projects.delete', { id })
    offerUndo(`${name} was deleted`, deletion, 'It is final in ten minutes.')
    return true
  } catch (error) {
    notifyError('The project was not deleted', error)
    return false
  }
}
