import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconFolderPlus } from '@tabler/icons-react'
import { useAction } from '../api/hooks'
import { useProject } from '../api/useProject'
import { NameModal } from '../components/NameModal'

/** Makes a project, and works in it from then on. */
export function NewProjectButton() {
  const [opened, { open, close }] = useDisclosure(false)
  const [, setProject] = useProject()
  const create = useAction('projects.create', ({ id }) => {
    setProject(id)
    close()
  })
  return (
    <>
      <Button variant="default" leftSection={<IconFolderPlus size={16} aria-hidden />} onClick={open}>
        New project
      </Button>
      {opened && (
        <NameModal
          onClose={close}
          title="New project"
          confirm="Create"
          error={create.error?.message}
          onConfirm={(name) => create.mutate({ name })}
        />
      )}
    </>
  )
}
