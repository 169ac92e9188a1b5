import { ActionIcon, Menu } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconDots, IconFolderSymlink, IconPencil, IconTrash } from '@tabler/icons-react'
import { useLocation } from 'wouter'
import type { RunProof } from '../../shared/contract/proof'
import { isResumable } from '../../shared/resumable'
import { useCall } from '../api/hooks'
import { deleteRuns } from '../runs/deleteRuns'
import { RESUME_ELSEWHERE, resumeElsewhere } from '../runs/queueActions'
import { allTags } from '../runs/runFilter'
import { TagsModal } from '../runs/TagsModal'

/** What is done to a run beside working on it: its name, tags and notes, and its end. */
export function RunMenu({ run }: { readonly run: RunProof }) {
  const [, navigate] = useLocation()
  const [editing, { open, close }] = useDisclosure(false)
  const runs = useCall('runs.list', {}, { enabled: editing }).data ?? []
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label={`More for ${run.title}`}>
            <IconDots size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={14} aria-hidden />} onClick={open}>
            Name, tags, notes…
          </Menu.Item>
          {isResumable(run) && (
            <Menu.Item
              leftSection={<IconFolderSymlink size={14} aria-hidden />}
              onClick={() => void resumeElsewhere(run.id)}
            >
              {RESUME_ELSEWHERE}
            </Menu.Item>
          )}
          <Menu.Item
            leftSection={<IconTrash size={14} aria-hidden />}
            disabled={run.status === 'running'}
            onClick={() => void deleteRuns([run]).then((done) => done && navigate('/runs'))}
          >
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {editing && <TagsModal runs={[run]} known={allTags(runs)} onClose={close} />}
    </>
  )
}
