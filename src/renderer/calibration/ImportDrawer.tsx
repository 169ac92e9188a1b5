import { Drawer, Stack } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { useLocation } from 'wouter'
import type { ImportPreview } from '../../shared/contract/calibration'
import type { SampleShape, Split } from '../../shared/samples'
import { useCall, useTask } from '../api/hooks'
import { ErrorCard } from '../components/ErrorCard'
import { notifyDone } from '../components/notify'
import { PathText } from '../components/PathText'
import { ProgressBar } from '../components/ProgressBar'
import { QueryView } from '../components/QueryView'
import { formatBytes, plural } from '../format/numbers'
import { type ImportChoices, ImportForm } from './ImportForm'
import { ImportSamples } from './ImportSamples'
import { setAddress } from './setText'

interface Props {
  readonly file: string
  readonly onClose: () => void
}

/** A file on its way to a set: what was guessed of it, what becomes of its rows, and how it is stored. */
export function ImportDrawer({ file, onClose }: Props) {
  const [split, setSplit] = useState<Split>('document')
  const [shape, setShape] = useState<SampleShape | undefined>()
  const [asked] = useDebouncedValue(shape, 200)
  const preview = useCall(
    'calibration.inspect',
    { file, split, ...(asked && { shape: asked }) },
    { keepPrevious: true }
  )
  return (
    <Drawer opened onClose={onClose} position="right" size="xl" title="Import a calibration set">
      <Stack gap="md">
        <PathText path={file} length={70} />
        <QueryView query={preview} failure="The file cannot be imported">
          {(found) => (
            <Import
              found={found}
              split={split}
              shape={shape ?? found.shape ?? undefined}
              onSplit={setSplit}
              onShape={setShape}
              onDone={onClose}
            />
          )}
        </QueryView>
      </Stack>
    </Drawer>
  )
}

interface ImportProps {
  readonly found: ImportPreview
  readonly split: Split
  readonly shape: SampleShape | undefined
  readonly onSplit: (split: Split) => void
  readonly onShape: (shape: SampleShape) => void
  readonly onDone: () => void
}

function Import({ found, split, shape, onSplit, onShape, onDone }: ImportProps) {
  const task = useTask('calibration.import')
  const [, navigate] = useLocation()
  const store = async ({ name, sampling }: ImportChoices): Promise<void> => {
    const how = found.plainText ? { split } : { ...(shape && { shape }) }
    const stored = await task.run({ file: found.path, name, ...how, ...(sampling && { sampling }) })
    if (stored === undefined) return
    const left = stored.badRows === 0 ? '' : `, ${plural(stored.badRows, 'row')} left out`
    notifyDone(`${stored.name} holds ${plural(stored.samples, 'sample')}${left}.`)
    onDone()
    navigate(setAddress(stored.name))
  }
  return (
    <>
      <ImportForm
        found={found}
        split={split}
        shape={shape}
        busy={task.running}
        summary={`${found.format}, ${formatBytes(found.bytes)}`}
        onSplit={onSplit}
        onShape={onShape}
        onStore={(choices) => void store(choices)}
      />
      {task.running && (
        <ProgressBar
          label={task.progress?.label ?? 'Storing'}
          done={task.progress?.done ?? 0}
          total={task.progress?.total ?? null}
          onCancel={task.cancel}
        />
      )}
      {task.error && <ErrorCard title="Nothing was stored" error={task.error} />}
      <ImportSamples found={found} />
    </>
  )
}
