import { Button, Drawer, Group, Stack } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import type { ImportPreview } from '../../shared/contract/calibration'
import type { SampleShape, Split } from '../../shared/samples'
import { useCall, useTask } from '../api/hooks'
import { ErrorCard } from '../components/ErrorCard'
import { notifyDone } from '../components/notify'
import { PathText } from '../components/PathText'
import { CallProgressBar } from '../components/ProgressBar'
import { QueryView } from '../components/QueryView'
import { useFocusBack } from '../components/useFocusBack'
import { formatBytes, plural } from '../format/numbers'
import { type ImportChoices, ImportForm } from './ImportForm'
import { ImportSamples } from './ImportSamples'

interface Props {
  readonly files: readonly string[]
  /** No file is left, or the person gave it up: the sets that were stored. */
  readonly onClose: (stored: readonly string[]) => void
}

/** Files on their way to sets, one after another. */
export function ImportDrawer({ files, onClose }: Props) {
  useFocusBack()
  const [stored, setStored] = useState<readonly string[]>([])
  const [index, setIndex] = useState(0)
  const file = files[index]
  const next = (names: readonly string[]): void => {
    setStored(names)
    if (index + 1 < files.length) setIndex(index + 1)
    else onClose(names)
  }
  const place = files.length === 1 ? '' : ` (${index + 1} of ${files.length})`
  return (
    <Drawer
      opened
      onClose={() => onClose(stored)}
      position="right"
      size="xl"
      title={`Import a calibration set${place}`}
    >
      {file !== undefined && (
        <ImportFile
          key={file}
          file={file}
          onDone={(name) => next([...stored, name])}
          onSkip={index + 1 < files.length ? () => next(stored) : undefined}
        />
      )}
    </Drawer>
  )
}

interface FileProps {
  readonly file: string
  readonly onDone: (name: string) => void
  readonly onSkip: (() => void) | undefined
}

/** A file on its way to a set: what was guessed of it, what becomes of its rows, and how it is stored. */
function ImportFile({ file, onDone, onSkip }: FileProps) {
  const [split, setSplit] = useState<Split>('document')
  const [shape, setShape] = useState<SampleShape | undefined>()
  const [asked] = useDebouncedValue(shape, 200)
  const preview = useCall(
    'calibration.inspect',
    { file, split, ...(asked && { shape: asked }) },
    { keepPrevious: true }
  )
  return (
    <Stack gap="md">
      <Group justify="space-between" wrap="nowrap">
        <PathText path={file} length={60} />
        {onSkip && (
          <Button variant="subtle" size="compact-sm" onClick={onSkip}>
            Skip this file
          </Button>
        )}
      </Group>
      <QueryView query={preview} failure="The file cannot be imported">
        {(found) => (
          <Import
            found={found}
            split={split}
            shape={shape ?? found.shape ?? undefined}
            onSplit={setSplit}
            onShape={setShape}
            onDone={onDone}
          />
        )}
      </QueryView>
    </Stack>
  )
}

interface ImportProps {
  readonly found: ImportPreview
  readonly split: Split
  readonly shape: SampleShape | undefined
  readonly onSplit: (split: Split) => void
  readonly onShape: (shape: SampleShape) => void
  readonly onDone: (name: string) => void
}

function Import({ found, split, shape, onSplit, onShape, onDone }: ImportProps) {
  const task = useTask('calibration.import')
  const store = async ({ name, sampling }: ImportChoices): Promise<void> => {
    const how = found.plainText ? { split } : { ...(shape && { shape }) }
    const stored = await task.run({ file: found.path, name, ...how, ...(sampling && { sampling }) })
    if (stored === undefined) return
    const left = stored.badRows === 0 ? '' : `, ${plural(stored.badRows, 'row')} left out`
    notifyDone(`${stored.name} holds ${plural(stored.samples, 'sample')}${left}.`)
    onDone(stored.name)
  }
  return (
    <>
      <ImportForm
        found={found}
        split={split}
        shape={shape}
        busy={task.running}
        summary={summaryOf(found)}
        onSplit={onSplit}
        onShape={onShape}
        onStore={(choices) => void store(choices)}
      />
      {task.running && <CallProgressBar progress={task.progress} label="Storing" onCancel={task.cancel} />}
      {task.error && <ErrorCard title="Nothing was stored" error={task.error} />}
      <ImportSamples found={found} />
    </>
  )
}

/** `JSON, packed by gzip, 1.20 MiB`. */
const summaryOf = ({ format, packed, bytes }: ImportPreview): string =>
  [format, ...(packed ? ['packed by gzip'] : []), formatBytes(bytes)].join(', ')
