import { ActionIcon, Code, Group, Tooltip } from '@mantine/core'
import { IconFolderOpen } from '@tabler/icons-react'
import { call } from '../api/desktop'
import { shortenPath } from '../format/paths'
import { CopyButton } from './CopyButton'
import { notifyError } from './notify'

interface Props {
  readonly path: string
  readonly length?: number
  /** Shows the buttons to copy it and to reveal it in the file manager. */
  readonly actions?: boolean
}

/** A path shortened in the middle, whole on hover, with copy and reveal. */
export function PathText({ path, length = 48, actions = true }: Props) {
  return (
    <Group gap={4} wrap="nowrap" style={{ minWidth: 0 }}>
      <Tooltip label={path} multiline maw={520} openDelay={300} style={{ overflowWrap: 'anywhere' }}>
        <Code style={{ overflowWrap: 'anywhere' }}>{shortenPath(path, length)}</Code>
      </Tooltip>
      {actions && (
        <>
          <CopyButton compact value={path} label={`Copy path ${path}`} />
          <Tooltip label="Reveal in folder">
            <ActionIcon
              variant="subtle"
              color="gray"
              size="sm"
              aria-label={`Reveal ${path} in its folder`}
              onClick={() => void reveal(path)}
            >
              <IconFolderOpen size={14} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </>
      )}
    </Group>
  )
}

async function reveal(path: string): Promise<void> {
  try {
    await call('app.reveal', { path })
  } catch (error) {
    notifyError('It cannot be shown in its folder', error)
  }
}
