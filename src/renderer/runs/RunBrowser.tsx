import { Button, Stack } from '@mantine/core'
import { IconFilterOff } from '@tabler/icons-react'
import { useDeferredValue, useMemo, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import type { ProjectCard } from '../../shared/contract/projects'
import type { RunListEntry } from '../../shared/contract/runs'
import { isResumable } from '../../shared/resumable'
import { useCall } from '../api/hooks'
import { archivedIds } from '../api/useProject'
import { EmptyState } from '../components/EmptyState'
import { usePageShortcuts } from '../components/shortcuts'
import { deleteRuns } from './deleteRuns'
import { resumeRuns } from './queueActions'
import { RunsTable } from './RunsTable'
import { RunsToolbar } from './RunsToolbar'
import { allTags, countStates, filterRuns, NO_FILTER } from './runFilter'
import { compareAddress } from './runRow'
import { SelectionBar } from './SelectionBar'
import { TagsModal } from './TagsModal'
import { useRunFilter } from './useRunFilter'

const NO_PROJECTS: readonly ProjectCard[] = []
const NO_RUNS: ReadonlySet<string> = new Set()

/** Every run, to be searched, sorted and chosen from. */
export function RunBrowser({ runs }: { readonly runs: readonly RunListEntry[] }) {
  const [, navigate] = useLocation()
  const [filter, setFilter] = useRunFilter()
  const { data: projects = NO_PROJECTS } = useCall('projects.list', {})
  const archived = useMemo(() => archivedIds(projects), [projects])
  // Typing stays quick while the list follows.
  const wanted = useDeferredValue(filter)
  const { inScope, shown } = useMemo(() => filterRuns(runs, wanted, archived), [runs, wanted, archived])
  const counts = useMemo(() => countStates(inScope), [inScope])
  const tags = useMemo(() => allTags(runs), [runs])
  const [selected, setSelected] = useState(NO_RUNS)
  const [tagging, setTagging] = useState(false)
  const search = useRef<HTMLInputElement>(null)
  const chosen = useMemo(() => shown.filter(({ id }) => selected.has(id)), [shown, selected])

  const compare = (): void => navigate(compareAddress(chosen.map(({ id }) => id)))
  const remove = (): void => {
    if (chosen.length === 0 || chosen.some(({ status }) => status === 'running')) return
    void deleteRuns(chosen).then((done) => done && setSelected(NO_RUNS))
  }
  usePageShortcuts(
    useShortcutsOf({ search: () => search.current?.focus(), compare: () => chosen.length > 0 && compare(), remove })
  )

  return (
    <Stack gap="sm" component="section" aria-label="All runs">
      <RunsToolbar
        filter={filter}
        onChange={setFilter}
        counts={counts}
        projects={projects}
        tags={tags}
        searchRef={search}
      />
      {chosen.length > 0 && (
        <SelectionBar
          chosen={chosen}
          projects={projects}
          onClear={() => setSelected(NO_RUNS)}
          onCompare={compare}
          onResume={() => void resumeRuns(chosen.filter(isResumable).map(({ id }) => id))}
          onTags={() => setTagging(true)}
          onDelete={remove}
        />
      )}
      <RunsTable
        runs={shown}
        selected={selected}
        onSelect={setSelected}
        empty={<NothingFits onClear={() => setFilter(NO_FILTER)} />}
      />
      {tagging && chosen.length > 0 && <TagsModal runs={chosen} known={tags} onClose={() => setTagging(false)} />}
    </Stack>
  )
}

interface Actions {
  readonly search: () => void
  readonly compare: () => void
  readonly remove: () => void
}

/** The list keeps its identity; what it calls is always the newest. */
function useShortcutsOf(actions: Actions) {
  const latest = useRef(actions)
  latest.current = actions
  return useMemo(
    () => [
      { keys: '/', label: 'Search runs', action: () => latest.current.search() },
      { keys: 'C', label: 'Compare the chosen runs', action: () => latest.current.compare() },
      { keys: 'Delete', label: 'Delete the chosen runs', action: () => latest.current.remove() }
    ],
    []
  )
}

function NothingFits({ onClear }: { readonly onClear: () => void }) {
  return (
    <EmptyState
      icon={<IconFilterOff />}
      title="No run fits"
      action={
        <Button variant="default" onClick={onClear}>
          Show all runs
        </Button>
      }
    >
      Search for less, or show all states, projects and tags.
    </EmptyState>
  )
}
