import { Button, Group, NumberInput, SegmentedControl, Stack, Switch, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { ImportPreview } from '../../shared/contract/calibration'
import { type SampleShape, type Sampling, SPLITS, type Split } from '../../shared/samples'
import { ShapeFields } from './ShapeFields'
import { SPLIT_LABELS } from './setText'

export interface ImportChoices {
  readonly name: string
  readonly sampling: Sampling | undefined
}

interface Props {
  readonly found: ImportPreview
  readonly split: Split
  readonly shape: SampleShape | undefined
  readonly busy: boolean
  /** Format and size of the file. */
  readonly summary: string
  readonly onSplit: (split: Split) => void
  readonly onShape: (shape: SampleShape) => void
  readonly onStore: (choices: ImportChoices) => void
}

/** How a file becomes a set: its cut or its columns, a name, all samples or some by chance. */
export function ImportForm({ found, split, shape, busy, summary, onSplit, onShape, onStore }: Props) {
  const [name, setName] = useState(found.suggestedName)
  const [some, setSome] = useState(false)
  const [count, setCount] = useState<number | string>(500)
  const [seed, setSeed] = useState<number | string>(0)
  const sampling = some ? { count: Number(count) || 1, seed: Number(seed) || 0 } : undefined
  const ready = name.trim() !== '' && (found.plainText || shape !== undefined)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (ready && !busy) onStore({ name: name.trim(), sampling })
      }}
    >
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {summary}
        </Text>
        {found.plainText ? (
          <Stack gap={4}>
            <Text size="sm" fw={600} id="split-label">
              One sample is
            </Text>
            <SegmentedControl
              aria-labelledby="split-label"
              data={SPLITS.map((value) => ({ value, label: SPLIT_LABELS[value] }))}
              value={split}
              onChange={(value) => onSplit(value as Split)}
            />
          </Stack>
        ) : (
          <ShapeFields columns={found.columns} shape={shape} guessed={found.shape !== null} onChange={onShape} />
        )}
        <TextInput
          label="Name of the set"
          description="Letters, digits, dot, underscore and hyphen"
          value={name}
          maxLength={120}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Switch
          label="Take some samples by chance"
          description="The same seed takes the same samples on every machine."
          checked={some}
          onChange={(event) => setSome(event.currentTarget.checked)}
        />
        {some && (
          <Group grow>
            <NumberInput
              label="Samples"
              min={1}
              allowDecimal={false}
              thousandSeparator=","
              value={count}
              onChange={setCount}
            />
            <NumberInput label="Seed" min={0} allowDecimal={false} value={seed} onChange={setSeed} />
          </Group>
        )}
        <Group>
          <Button type="submit" disabled={!ready} loading={busy}>
            Store the set
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
