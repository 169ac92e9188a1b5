import { Button, Group, SegmentedControl, Stack, Text, TextInput } from '@mantine/core'
import { IconFolderPlus, IconRefresh, IconSearch, IconStack2 } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import type { Discovery } from '../../shared/models'
import { useCall, useTask } from '../api/hooks'
import { EmptyState } from '../components/EmptyState'
import { ErrorCard } from '../components/ErrorCard'
import { PageFrame } from '../components/PageFrame'
import { CallProgressBar } from '../components/ProgressBar'
import { QueryView } from '../components/QueryView'
import { plural } from '../format/numbers'
import { ModelTable } from './ModelTable'
import { fitsSearch } from './modelText'
import { SearchedPlaces } from './SearchedPlaces'
import { type Folders, useFolders } from './useFolders'

/** Every checkpoint that was found, and where Quail looked. */
export function ModelsPage() {
  const list = useCall('models.list', {})
  const scan = useTask('models.scan')
  const folders = useFolders()
  useDroppedFolders(folders)
  return (
    <PageFrame
      title="Models"
      subtitle={list.data === undefined ? 'Searching Hugging Face caches and your folders…' : summaryOf(list.data)}
      actions={
        <>
          <Button
            variant="default"
            leftSection={<IconRefresh size={16} aria-hidden />}
            disabled={scan.running}
            onClick={() => void scan.run({})}
          >
            Search again
          </Button>
          <Button
            leftSection={<IconFolderPlus size={16} aria-hidden />}
            loading={folders.adding}
            onClick={() => void folders.choose()}
          >
            Add folder…
          </Button>
        </>
      }
    >
      {scan.running && <CallProgressBar progress={scan.progress} label="Searching" onCancel={scan.cancel} />}
      {scan.error && <ErrorCard title="The search failed" error={scan.error} />}
      <QueryView query={list} failure="The models could not be searched for" rows={6}>
        {(discovery) => <Found discovery={discovery} folders={folders} />}
      </QueryView>
    </PageFrame>
  )
}

/** Adds the folders that the address names: those that were dropped on the window. */
function useDroppedFolders({ add }: Folders): void {
  const [, navigate] = useLocation()
  const search = useSearch()
  const handled = useRef('')
  useEffect(() => {
    const folders = new URLSearchParams(search).getAll('add')
    if (folders.length > 0 && handled.current !== search) {
      navigate('/models', { replace: true })
      for (const folder of folders) add(folder)
    }
    handled.current = folders.length > 0 ? search : ''
  }, [search, add, navigate])
}

/** What can be used comes first; otherwise the order of the search stays. */
const RANK = { ready: 0, incomplete: 1, unsupported: 2 } as const

type Shown = 'all' | 'ready' | 'other'

function Found({ discovery, folders }: { readonly discovery: Discovery; readonly folders: Folders }) {
  const [query, setQuery] = useState('')
  const [shown, setShown] = useState<Shown>('all')
  const { models } = discovery
  const ready = models.filter(({ status }) => status === 'ready').length
  const rows = models
    .filter(
      (model) => fitsSearch(model, query) && (shown === 'all' || (shown === 'ready') === (model.status === 'ready'))
    )
    .sort((a, b) => RANK[a.status] - RANK[b.status])
  return (
    <Stack gap="md">
      <Group gap="sm">
        <TextInput
          w={300}
          aria-label="Search models"
          placeholder="Name, family, dtype"
          leftSection={<IconSearch size={14} aria-hidden />}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
        />
        <SegmentedControl
          aria-label="Which models are shown"
          value={shown}
          onChange={(value) => setShown(value as Shown)}
          data={[
            { value: 'all', label: `All ${models.length}` },
            { value: 'ready', label: `Ready ${ready}` },
            { value: 'other', label: `Not ready ${models.length - ready}` }
          ]}
        />
      </Group>
      <ModelTable
        models={rows}
        folders={folders}
        empty={
          <EmptyState icon={<IconStack2 />} title="No model fits">
            Clear the search, or drop the folder of a checkpoint on this window.
          </EmptyState>
        }
      />
      {models.length === 1 && (
        <Text size="sm" c="dimmed">
          Only the sample was found. Add the folder of a checkpoint, or drop it on this window.
        </Text>
      )}
      <SearchedPlaces places={discovery.places} folders={folders} />
    </Stack>
  )
}

const summaryOf = ({ models }: Discovery): string => {
  const ready = models.filter(({ status }) => status === 'ready').length
  return `${plural(models.length, 'checkpoint')} on this machine, ${ready} ready to be prepared. Their files are only read.`
}
