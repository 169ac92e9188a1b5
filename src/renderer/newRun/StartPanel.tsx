import { ActionIcon, Button, Card, Divider, Group, Kbd, Loader, Stack, Text, Tooltip } from '@mantine/core'
import { useDebouncedValue, useHotkeys } from '@mantine/hooks'
import { IconPlayerPlay, IconRefresh } from '@tabler/icons-react'
import { useEffect, useMemo, useState } from 'react'
import { useLocation } from 'wouter'
import type { Recipe } from '../../shared/recipe'
import { useAction } from '../api/hooks'
import { useProject } from '../api/useProject'
import { ErrorCard } from '../components/ErrorCard'
import { CallProgressBar } from '../components/ProgressBar'
import { useShortcuts } from '../components/shortcuts'
import { runAddress } from '../runs/runAddress'
import { EstimateCard } from './EstimateCard'
import { countFindings, FindingList, type ListedFinding } from './FindingList'
import { RunTarget } from './RunTarget'
import { SweepModal } from './SweepModal'
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
  const enqueue = useAction('queue.enqueue', ({ id }) => navigate(runAddress(id)))
  const blocked = recipe === undefined || findings.some(({ severity }) => severity === 'error')
  const { mutate, isPending } = enqueue
  const checking = recipe !== undefined && live.stale
  // What was found belongs to an earlier form: it neither keeps this one from starting nor lets it start.
  const [wanted, setWanted] = useState<Recipe>()
  const [sweeping, setSweeping] = useState(false)
  const waits = wanted !== undefined && wanted === recipe && checking
  const start = (): void => {
    if (recipe === undefined || isPending) return
    if (live.stopped) live.refresh()
    if (checking) setWanted(waits ? undefined : recipe)
    else if (!blocked) mutate({ recipe, project, ...(out !== null && { out }) })
  }
  useEffect(() => {
    if (wanted === undefined || checking) return
    setWanted(undefined)
    if (wanted === recipe && !blocked) mutate({ recipe, project, ...(out !== null && { out }) })
  }, [wanted, checking, recipe, blocked, mutate, project, out])
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
          disabled={checking ? recipe === undefined : blocked}
          loading={isPending}
          aria-pressed={waits}
          onClick={start}
        >
          {waits ? 'Starts when checked' : checking ? 'Start when checked' : 'Start'}
        </Button>
        <Button
          variant="default"
          fullWidth
          disabled={recipe === undefined || blocked}
          onClick={() => setSweeping(true)}
        >
          Make it a sweep…
        </Button>
        {sweeping && recipe !== undefined && (
          <SweepModal recipe={recipe} plan={live.plan} out={out} onClose={() => setSweeping(false)} />
        )}
        <EstimateCard plan={recipe && live.plan} stale={live.stale} />
        {enqueue.error && <ErrorCard title="The run could not be started" error={enqueue.error} />}
        <Divider />
        <Stack gap="xs" component="section" aria-label="Preflight">
          <Group justify="space-between" wrap="nowrap">
            <Text size="sm" fw={600} role="status">
              {live.stopped
                ? 'Preflight: not checked'
                : checking
                  ? 'Preflight: checking…'
                  : `Preflight${counted === '' ? '' : `: ${counted}`}`}
            </Text>
            {checking && !live.stopped && <Loader size={14} ml="auto" />}
            <Tooltip label="Check again">
              <ActionIcon size="sm" variant="subtle" color="gray" aria-label="Check again" onClick={live.refresh}>
                <IconRefresh size={14} aria-hidden />
              </ActionIcon>
            </Tooltip>
          </Group>
          <Counting live={live} />
          {recipe !== undefined && live.preflight === undefined && live.error === null && !live.stopped ? (
            <Text size="sm" c="dimmed">
              Looking at model and texts…
            </Text>
          ) : (
            <FindingList findings={findings} stale={checking} />
          )}
        </Stack>
        <Divider />
        <RunTarget out={out} outputs={outputs} onChange={onOut} />
      </Stack>
    </Card>
  )
}

/** Long enough that only what people wait for is told. */
const PATIENCE_MS = 500

/** Tokens of a long text take a minute: which text that is, how far it is where that can be told, and the way out. */
function Counting({ live }: { readonly live: LivePlan }) {
  const { progress } = live
  const [late] = useDebouncedValue(progress !== null, PATIENCE_MS)
  if (progress === null || !late) return null
  return <CallProgressBar progress={progress} label="Tokenizing" onCancel={live.cancel} />
}

/** Starts by keyboard, from within any field too. */
function useStartKey(start: () => void): void {
  const { list } = useShortcuts()
  const shortcuts = useMemo(() => SHORTCUTS, [])
  useHotkeys([['mod+Enter', start]], [])
  useEffect(() => list(shortcuts), [list, shortcuts])
}
