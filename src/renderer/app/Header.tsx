import { ActionIcon, Group, Kbd, Tooltip, UnstyledButton } from '@mantine/core'
import { IconArrowLeft, IconArrowRight, IconSearch } from '@tabler/icons-react'
import classes from './Header.module.css'
import { JobStatus } from './JobStatus'
import { openPalette } from './Palette'
import { ProjectMenu } from './ProjectMenu'

/** Back and forward, the project, the running job, the command palette. */
export function Header() {
  return (
    <Group h="100%" px="md" gap="sm" wrap="nowrap">
      <Group gap={2} wrap="nowrap">
        <HistoryButton label="Back" icon={<IconArrowLeft size={16} aria-hidden />} steps={-1} />
        <HistoryButton label="Forward" icon={<IconArrowRight size={16} aria-hidden />} steps={1} />
      </Group>
      <ProjectMenu />
      <Group style={{ flex: 1, minWidth: 0 }} justify="center">
        <JobStatus />
      </Group>
      <UnstyledButton className={classes.search} onClick={openPalette} aria-label={`${SEARCH} ${PALETTE_KEYS}`}>
        <IconSearch size={14} aria-hidden />
        <span className={classes.hint}>{SEARCH}</span>{' '}
        <Kbd size="xs" aria-hidden>
          {PALETTE_KEYS}
        </Kbd>
      </UnstyledButton>
    </Group>
  )
}

function HistoryButton({
  label,
  icon,
  steps
}: {
  readonly label: string
  readonly icon: React.ReactNode
  readonly steps: number
}) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={() => window.history.go(steps)}>
        {icon}
      </ActionIcon>
    </Tooltip>
  )
}

/** Both are the button's name, since in a narrow window only the keys are seen. */
const SEARCH = 'Search or do anything'
const PALETTE_KEYS = /Mac/.test(navigator.userAgent) ? '⌘K' : 'Ctrl K'
