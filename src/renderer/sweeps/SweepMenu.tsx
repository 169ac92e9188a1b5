import { ActionIcon, Menu } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconDots, IconPencil, IconTrash } from '@tabler/icons-react'
import type { Sweep } from '../../shared/sweep/results'
import { call } from '../api/desktop'
import { useAction } from '../api/hooks'
import { confirm } from '../components/confirm'
import { NameModal } from '../components/NameModal'
import { notifyError } from '../components/notify'
import { offerUndo } from '../components/undo'
import { formatBytes, plural } from '../format/numbers'

interface Props {
  readonly sweep: Pick<Sweep, 'definition' | 'runs'>
  /** As the buttons beside it. */
  readonly size?: number
  readonly onDeleted?: () => void
}

/** What is done to a sweep as a whole, beside working on it: its name and its end. */
export function SweepMenu({ sweep: { definition, runs }, size = 28, onDeleted }: Props) {
  const { id, name } = definition
  const [renaming, { open, close }] = useDisclosure(false)
  const rename = useAction('sweeps.rename', close)
  const running = runs.some(({ status }) => status === 'running')
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon
            variant={size > 30 ? 'default' : 'subtle'}
            color="gray"
            size={size}
            aria-label={`More for ${name}`}
          >
            <IconDots size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={14} aria-hidden />} onClick={open}>
            Rename…
          </Menu.Item>
          <Menu.Item
            leftSection={<IconTrash size={14} aria-hidden />}
            disabled={running}
            onClick={() => void deleteSweep(definition).then((done) => done && onDeleted?.())}
          >
            {running ? 'Delete… (stop it first)' : 'Delete…'}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {renaming && (
        <NameModal
          onClose={close}
          title={`Rename ${name}`}
          confirm="Rename"
          initial={name}
          error={rename.error?.message}
          onConfirm={(next) => rename.mutate({ id, name: next })}
        />
      )}
    </>
  )
}

/** Deletes a sweep once the person has agreed to what is lost; resolves with whether it was done. */
async function deleteSweep({ id, name }: Sweep['definition']): Promise<boolean> {
  try {
    const { runs, bytes } = await call('sweeps.previewDeletion', { id })
    const agreed = await confirm({
      title: `Delete the sweep “${name}”?`,
      body: `${plural(runs, 'run')} with all figures and ${formatBytes(bytes)} of working files will be lost; for ten minutes this can be undone. Adapters and reports that were written stay where they are.`,
      confirm: 'Delete the sweep'
    })
    if (!agreed) return false
    const { deletion } = await call('sweeps.delete', { id })
    offerUndo(`${name} was deleted`, deletion, `${formatBytes(bytes)} are freed in ten minutes.`)
    return true
  } catch (error) {
    notifyError('The sweep was not deleted', error)
    return false
  }
}
