import { Button, Drawer, Stack, TagsInput, Text, Textarea } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import type { ComparedRun } from '../../shared/compare/comparedRun'
import type { Metric } from '../../shared/compare/metrics'
import type { ComparisonRow } from '../../shared/compare/rows'
import { useAction } from '../api/hooks'
import { KeyValues } from '../components/KeyValues'
import { notifyError } from '../components/notify'
import { PathText } from '../components/PathText'
import { RelativeTime } from '../components/RelativeTime'
import { runAddress } from '../runs/runAddress'
import { metricText } from './DeltaText'

interface Props {
  readonly row: ComparisonRow | undefined
  readonly metrics: readonly Metric[]
  /** Tags that other runs have, offered while typing. */
  readonly knownTags: readonly string[]
  readonly onClose: () => void
}

/** One row at the right of the page: its figures, and the run's tags and notes to edit. */
export function RowDrawer({ row, metrics, knownTags, onClose }: Props) {
  const [, navigate] = useLocation()
  return (
    <Drawer
      opened={row !== undefined}
      onClose={onClose}
      position="right"
      size={460}
      overlayProps={{ backgroundOpacity: 0.25 }}
      transitionProps={{ duration: 120 }}
      closeButtonProps={{ 'aria-label': 'Close the details' }}
      title={
        <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
          {row?.variant.name} of {row?.run.title}
        </Text>
      }
    >
      {row !== undefined && (
        <Stack gap="lg">
          <KeyValues
            items={[
              ['Run', row.run.id],
              ['Status', row.run.status],
              ['Made', <RelativeTime key="made" atMs={row.run.createdAtMs} />],
              ['Model', <PathText key="model" path={row.run.model} length={36} />],
              ['Method', row.variant.method],
              ['Rank', String(row.variant.rank)],
              ['Quantizer', row.variant.quantizer],
              ...metrics.map((metric): [string, string] => [metric.title, metricText(metric, row)])
            ]}
          />
          <TagsField run={row.run} known={knownTags} />
          <NotesField key={row.run.id} run={row.run} />
          <Button variant="default" onClick={() => navigate(runAddress(row.run.id, { variant: row.variant.name }))}>
            Open the run
          </Button>
        </Stack>
      )}
    </Drawer>
  )
}

/** Tags are stored as soon as one is added or removed. */
function TagsField({ run, known }: { readonly run: ComparedRun; readonly known: readonly string[] }) {
  const action = useAction('runs.setTags')
  return (
    <TagsInput
      label="Tags"
      description="Enter adds one; the whole run has them"
      maxLength={60}
      maxTags={50}
      value={[...(action.isPending ? action.variables.tags : run.tags)]}
      data={known.filter((tag) => !run.tags.includes(tag))}
      onChange={(tags) =>
        action.mutate(
          { id: run.id, tags: tags.map((tag) => tag.trim()).filter(Boolean) },
          { onError: (error) => notifyError('The tags could not be stored', error) }
        )
      }
    />
  )
}

const SAVE_AFTER_MS = 600

/** Notes are stored a moment after the last key, and at once when the field or the drawer is left. */
function NotesField({ run }: { readonly run: ComparedRun }) {
  const { mutate, isPending } = useAction('runs.setNotes')
  const [text, setText] = useState(run.notes)
  const latest = useRef({ text: run.notes, stored: run.notes })
  const save = useCallback(() => {
    const { text: notes, stored } = latest.current
    if (notes === stored) return
    latest.current.stored = notes
    mutate({ id: run.id, notes }, { onError: (error) => notifyError('The notes could not be stored', error) })
  }, [mutate, run.id])
  const saveLater = useDebouncedCallback(save, SAVE_AFTER_MS)
  useEffect(() => save, [save])
  return (
    <Textarea
      label="Notes"
      description={isPending ? 'Storing…' : 'Stored as you type'}
      autosize
      minRows={4}
      maxRows={14}
      maxLength={20_000}
      value={text}
      onChange={({ currentTarget }) => {
        latest.current.text = currentTarget.value
        setText(currentTarget.value)
        saveLater()
      }}
      onBlur={save}
    />
  )
}
