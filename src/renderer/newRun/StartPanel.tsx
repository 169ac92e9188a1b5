import { ActionIcon, Button, Card, Divider, Group, Kbd, Stack, Text, Tooltip } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { IconPlayerPlay, IconRefresh } from '@tabler/icons-react'
import { useEffect, useMemo } from 'react'
import { useLocation } from 'wouter'
import type { Recipe } from '../../shared/recipe'
import { useAction } from '../api/hooks'
import { useProject } from '../api/useProject'
import { ErrorCard } from '../components/ErrorCard'
import { useShortcuts } from '../components/shortcuts'
import { EstimateCard } from './EstimateCard'
import { countFindings, FindingList, type ListedFinding } from './FindingList'
import { RunTarget } from './RunTarget'
import type { LivePlan } from './usePreflight'

interface Props {
  /** Undefined while the form is unfinished. */
  readonly recipe: Recipe | undefined
  readonly out: string | null
  readonly outputs: string
  readonly live: LivePlan
  readonly findings: readonly ListedFinding[]
  readonly onOut: (out: string | null) => void
}

const SHORTCUTS = [{ keys: 'mod+Enter', label: 'Start the run' }]

/** Start, what it takes, where it goes, and what speaks against it; stays in view while the form scrolls. */
export function StartPanel({ recipe, out, outputs, live, findings, onOut }: Props) {
  const [project] = useProject()
  const [, navigate] = useLocation()
  const enqueue = useAction('queue.enqueue', ({ id }) => navigate(`/runs/${encodeURIComponent(id)}`))
  const blocked = recipe === undefined || findings.some(({ severity }) => severity === 'error')
  const start = (): void => {
    if (blocked || recipe === undefined || enqueue.isPending) return
    enqueue.mutate({ recipe, project, ...(out !== null && { out }) })
  }
  useStartKey(start)
  const counted = countFindings(findings)
  return (
    <Card withBorder padding="md">
      <Stack gap="md">
        <Button
          size="md"
          fullWidth
          leftSection={<IconPlayerPlay size={18} aria-hidden />}
          rightSection={<Kbd size="xs">{/Mac/.test(navigator.userAgent) ? '⌘↵' : 'Ctrl ↵'}</Kbd>}
          disabled={blocked}
          loading={enqueue.isPending}
          onClick={start}
        >
          Start
        </Button>
        <EstimateCard plan={recipe && live.plan} stale={live.stale} />
        {enqueue.error && <ErrorCard title="The run could not be started" error={enqueue.error} />}
        <Divider />
        <Stack gap="xs" component="section" aria-label="Preflight">
          <Group justify="space-between" wrap="nowrap">
            <Text size="sm" fw={600} role="status">
              Preflight{counted === '' ? '' : `: ${counted}`}
            </Text>
            <Tooltip label="Check again">
              <ActionIcon size="sm" variant="subtle" color="gray" aria-label="Check again" onClick={live.refresh}>
                <IconRefresh size={14} aria-hidden />
              </ActionIcon>
            </Tooltip>
          </Group>
          {recipe !== undefined && live.preflight === undefined && live.error === null ? (
            <Text size="sm" c="dimmed">
              Looking at model and texts…
            </Text>
          ) : (
            <FindingList findings={findings} stale={live.stale} />
          )}
        </Stack>
        <Divider />
        <RunTarget out={out} outputs={outputs} onChange={onOut} />
      </Stack>
    </Card>
  )
}

/** Starts by keyboard, from within any field too. */
function useStartKey(start: () => void): void {
  const { list } = useShortcuts()
  const shortcuts = useMemo(() => SHORTCUTS, [])
  useHotkeys([['mod+Enter', start]], [])
  useEffect(() => list(shortcuts), [list, shortcuts])
}
