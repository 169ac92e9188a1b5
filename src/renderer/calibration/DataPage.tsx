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

/** Every stored calibration set, and the way to a new one. */
export function DataPage() {
  const sets = useCall('calibration.list', {})
  const [file, setFile] = useState<string | null>(null)
  useDroppedFile(setFile)
  const choose = (): void => {
    call('app.pick', { kind: 'texts' }).then(
      ([chosen]) => chosen !== undefined && setFile(chosen),
      (error: unknown) => notifyError('The file could not be opened', error)
    )
  }
  const importButton = (
    <Button leftSection={<IconFileImport size={16} aria-hidden />} onClick={choose}>
      Import a file…
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
      {file !== null && <ImportDrawer key={file} file={file} onClose={() => setFile(null)} />}
    </PageFrame>
  )
}

/** Takes the file that the address names: one that was dropped on the window. */
function useDroppedFile(open: (file: string) => void): void {
  const [, navigate] = useLocation()
  const file = new URLSearchParams(useSearch()).get('import')
  useEffect(() => {
    if (file === null) return
    open(file)
    navigate('/data', { replace: true })
  }, [file, open, navigate])
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
