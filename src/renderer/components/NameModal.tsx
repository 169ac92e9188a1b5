import { Button, Group, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { FormModal } from './FormModal'
import { useFocusBack } from './useFocusBack'

interface Props {
  readonly title: string
  readonly confirm: string
  readonly initial?: string
  readonly error?: string | undefined
  readonly onClose: () => void
  readonly onConfirm: (name: string) => void
}

/** Asks for the name of a project or a sweep; there only while it asks. */
export function NameModal({ title, confirm, initial = '', error, onClose, onConfirm }: Props) {
  useFocusBack()
  const [name, setName] = useState(initial)
  const usable = name.trim() !== ''
  return (
    <FormModal opened onClose={onClose} title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (usable) onConfirm(name.trim())
        }}
      >
        <Stack>
          <TextInput
            label="Name"
            data-autofocus
            maxLength={120}
            value={name}
            error={error}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={!usable}>
              {confirm}
            </Button>
          </Group>
        </Stack>
      </form>
    </FormModal>
  )
}
