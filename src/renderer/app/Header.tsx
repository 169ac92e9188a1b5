import { ActionIcon, Group, Kbd, Text, Tooltip, UnstyledButton } from '@mantine/core'
import { IconArrowLeft, IconArrowRight, IconSearch } from '@tabler/icons-react'
import { useScrolledTitle } from '../components/scrolledTitle'
import classes from './Header.module.css'
import { JobStatus } from './JobStatus'
import { openPalette } from './Palette'
import { ProjectMenu } from './ProjectMenu'

/** Back and forward, the project, the page where its own title is scrolled away, the running job, the command palette. */
export function Header() {
  return (
    <Group h="100%" px="md" gap="sm" wrap="nowrap">
      <Group gap={2} wrap="nowrap">
        <HistoryButton label="Back" icon={<IconArrowLeft size={16} aria-hidden />} steps={-1} />
        <HistoryButton label="Forward" icon={<IconArrowRight size={16} aria-hidden />} steps={1} />
      </Group>
      <ProjectMenu />
      <ScrolledTitle />
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

/** Where a long page is read, which one it is; who listens to the page has its heading. */
function ScrolledTitle() {
  const title = useScrolledTitle()
  if (title === undefined) return null
  return (
    <Text className={classes.title} size="sm" c="dimmed" truncate title={title} aria-hidden data-scrolled-title>
      {title}
    </Text>
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
