import { Button, Group, Stack, TagsInput, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { RunListEntry } from '../../shared/contract/runs'
import { call } from '../api/desktop'
import { FormModal } from '../components/FormModal'
import { notifyError } from '../components/notify'
import { useFocusBack } from '../components/useFocusBack'
import { plural } from '../format/numbers'

interface Props {
  readonly runs: readonly Pick<RunListEntry, 'id' | 'title' | 'tags' | 'notes'>[]
  /** Tags in use, to choose from. */
  readonly known: readonly string[]
  readonly onClose: () => void
}

/** Tags of the chosen runs, and name and notes of a single one. */
export function TagsModal({ runs, known, onClose }: Props) {
  useFocusBack()
  const shared = runs[0]?.tags.filter((tag) => runs.every(({ tags }) => tags.includes(tag))) ?? []
  const [tags, setTags] = useState<string[]>([...shared])
  const [notes, setNotes] = useState(runs[0]?.notes ?? '')
  const single = runs.length === 1 ? runs[0] : undefined
  const [name, setName] = useState(single?.title ?? '')

  async function save(): Promise<void> {
    try {
      await saveTags(runs, shared, tags)
      if (single !== undefined && name !== single.title) await call('runs.setName', { id: single.id, name })
      if (single !== undefined && notes !== single.notes) await call('runs.setNotes', { id: single.id, notes })
      onClose()
    } catch (error) {
      notifyError('The changes were not saved', error)
    }
  }

  return (
    <FormModal
      opened
      onClose={onClose}
      title={single === undefined ? `Tags of ${plural(runs.length, 'run')}` : `Name, tags and notes of ${single.title}`}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <Stack gap="md">
          {single !== undefined && <NameField value={name} onChange={setName} />}
          <TagsInput
            label="Tags"
            description={single === undefined ? 'Those that all of them carry; others stay.' : 'Enter ends a tag.'}
            data={[...known]}
            value={tags}
            onChange={setTags}
            maxTags={50}
            {...(single === undefined && { 'data-autofocus': true })}
          />
          {single !== undefined && <NotesField value={notes} onChange={setNotes} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit">Save</Button>
          </Group>
        </Stack>
      </form>
    </FormModal>
  )
}

/** Gives the runs these tags in place of those that all of them had; what only some of them carry stays. */
async function saveTags(runs: Props['runs'], shared: readonly string[], tags: readonly string[]): Promise<void> {
  for (const run of runs) {
    const others = run.tags.filter((tag) => !shared.includes(tag) && !tags.includes(tag))
    await call('runs.setTags', { id: run.id, tags: [...others, ...tags] })
  }
}

interface FieldProps {
  readonly value: string
  readonly onChange: (value: string) => void
}

const NameField = ({ value, onChange }: FieldProps) => (
  <TextInput
    label="Name"
    description="When it is empty, the run is called as its recipe."
    maxLength={120}
    value={value}
    onChange={(event) => onChange(event.currentTarget.value)}
    data-autofocus
  />
)

const NotesField = ({ value, onChange }: FieldProps) => (
  <Textarea
    label="Notes"
    autosize
    minRows={3}
    maxRows={12}
    maxLength={20_000}
    value={value}
    onChange={(event) => onChange(event.currentTarget.value)}
  />
)
