import { Button, Group, Stack, TextInput } from '@mantine/core'
import { IconDatabase, IconFileImport, IconSearch } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import type { CalibrationSetEntry } from '../../shared/contract/calibration'
import { call } from '../api/desktop'
import { useCall } from '../api/hooks'
import { EmptyState } from '../components/EmptyState'
import { notifyError } from '../components/notify'
import { PageFrame } from '../components/PageFrame'
import { QueryView } from '../components/QueryView'
import { ImportDrawer } from './ImportDrawer'
import { SetTable } from './SetTable'
import { setAddress } from './setText'

/** Every stored calibration set, and the way to a new one. */
export function DataPage() {
  const sets = useCall('calibration.list', {})
  const [, navigate] = useLocation()
  const [files, setFiles] = useState<readonly string[]>([])
  useDroppedFiles(setFiles)
  const close = (stored: readonly string[]): void => {
    setFiles([])
    const [only] = stored
    if (stored.length === 1 && only !== undefined) navigate(setAddress(only))
  }
  const choose = (): void => {
    call('app.pick', { kind: 'texts', multiple: true }).then(setFiles, (error: unknown) =>
      notifyError('The files could not be opened', error)
    )
  }
  const importButton = (
    <Button leftSection={<IconFileImport size={16} aria-hidden />} onClick={choose}>
      Import files…
    </Button>
  )
  return (
    <PageFrame
      title="Data"
      subtitle="Texts of your domain, for calibration and evaluation. A set is stored once and serves every model."
      actions={importButton}
    >
      <QueryView query={sets} failure="The calibration sets could not be read">
        {(found) =>
          found.length === 0 ? (
            <EmptyState icon={<IconDatabase />} title="No calibration set yet" action={importButton}>
              Import plain text, JSON lines, JSON, CSV, TSV or Parquet, or drop a file on the window. A few hundred
              kilobytes of text like what the model will be used for are enough.
            </EmptyState>
          ) : (
            <Sets sets={found} />
          )
        }
      </QueryView>
      {files.length > 0 && <ImportDrawer key={files.join('\n')} files={files} onClose={close} />}
    </PageFrame>
  )
}

/** Takes the files that the address names: those that were dropped on the window. */
function useDroppedFiles(open: (files: readonly string[]) => void): void {
  const [, navigate] = useLocation()
  const search = useSearch()
  useEffect(() => {
    const files = new URLSearchParams(search).getAll('import')
    if (files.length === 0) return
    open(files)
    navigate('/data', { replace: true })
  }, [search, open, navigate])
}

function Sets({ sets }: { readonly sets: readonly CalibrationSetEntry[] }) {
  const [search, setSearch] = useState('')
  const word = search.trim().toLowerCase()
  const shown = sets.filter(({ name, sourceName }) => `${name} ${sourceName}`.toLowerCase().includes(word))
  return (
    <Stack gap="sm">
      <Group>
        <TextInput
          aria-label="Search calibration sets"
          placeholder="Search by name or file"
          leftSection={<IconSearch size={16} aria-hidden />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          w={300}
        />
      </Group>
      <SetTable sets={shown} />
    </Stack>
  )
}
