import { Button, Group, Stack, Textarea } from '@mantine/core'
import { useState } from 'react'
import type { ProjectCard } from '../../shared/contract/projects'
import { useAction } from '../api/hooks'
import { FormModal } from '../components/FormModal'
import { useFocusBack } from '../components/useFocusBack'

interface Props {
  readonly project: Pick<ProjectCard, 'id' | 'name' | 'notes'>
  readonly onClose: () => void
}

/** What a person writes beside a project. */
export function ProjectNotesModal({ project: { id, name, notes: before }, onClose }: Props) {
  useFocusBack()
  const [notes, setNotes] = useState(before)
  const save = useAction('projects.setNotes', onClose)
  return (
    <FormModal opened onClose={onClose} title={`Notes of ${name}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate({ id, notes })
        }}
      >
        <Stack gap="md">
          <Textarea
            label="Notes"
            autosize
            minRows={5}
            maxRows={16}
            maxLength={20_000}
            data-autofocus
            value={notes}
            error={save.error?.message}
            onChange={(event) => setNotes(event.currentTarget.value)}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={save.isPending}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </FormModal>
  )
}
