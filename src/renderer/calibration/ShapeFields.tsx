import { Alert, Select, SimpleGrid, Stack } from '@mantine/core'
import { SAMPLE_KINDS, type SampleKind, type SampleShape } from '../../shared/samples'
import { SHAPE_LABELS } from './setText'

interface Props {
  readonly columns: readonly string[]
  readonly shape: SampleShape | undefined
  /** Whether the file's columns have names that are known. */
  readonly guessed: boolean
  readonly onChange: (shape: SampleShape) => void
}

/** What may stand beside the turns of a conversation. */
const BESIDE = ['system', 'tools', 'documents'].map((key) => ({ key, optional: true }))

/** The parts of each kind, and whether a row can do without. */
const PARTS: Readonly<Record<SampleKind, readonly { readonly key: string; readonly optional?: boolean }[]>> = {
  messages: [{ key: 'messages' }, ...BESIDE],
  conversations: [{ key: 'conversations' }, ...BESIDE],
  instruction: [
    { key: 'instruction' },
    { key: 'input', optional: true },
    { key: 'output' },
    { key: 'history', optional: true },
    ...BESIDE
  ],
  prompt: [{ key: 'prompt' }, { key: 'completion' }, ...BESIDE],
  text: [{ key: 'text' }]
}

/** Which column of the file holds what: guessed from the names, and changed by the person. */
export function ShapeFields({ columns, shape, guessed, onChange }: Props) {
  const chosen: Readonly<Record<string, unknown>> = shape ?? {}
  const setKind = (kind: SampleKind): void => {
    const parts = PARTS[kind].filter(({ optional }) => !optional)
    // Columns of the right name first, else in the order of the file.
    const values = parts.map(({ key }, i) => [key, columns.includes(key) ? key : (columns[i] ?? columns[0] ?? key)])
    onChange({ kind, ...Object.fromEntries(values) } as SampleShape)
  }
  const setPart = (key: string, column: string | null): void => {
    const { [key]: _before, ...rest } = chosen
    onChange({ ...rest, ...(column !== null && { [key]: column }) } as SampleShape)
  }
  return (
    <Stack gap="xs">
      {!guessed && shape === undefined && (
        <Alert color="orange" variant="light" title="These columns have no names that Quail knows">
          The file has the columns {columns.join(', ') || '(none)'}. Say what they hold.
        </Alert>
      )}
      <Select
        label="A row holds"
        placeholder="Choose"
        data={SAMPLE_KINDS.map((value) => ({ value, label: SHAPE_LABELS[value] }))}
        value={shape?.kind ?? null}
        onChange={(value) => value !== null && setKind(value as SampleKind)}
        allowDeselect={false}
      />
      {shape !== undefined && (
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
          {PARTS[shape.kind].map(({ key, optional = false }) => (
            <Select
              key={key}
              label={optional ? `Column of ${key} (if any)` : `Column of ${key}`}
              data={[...columns]}
              value={(chosen[key] as string | undefined) ?? null}
              clearable={optional}
              allowDeselect={optional}
              placeholder={optional ? 'none' : 'Choose'}
              onChange={(value) => (value !== null || optional) && setPart(key, value)}
            />
          ))}
        </SimpleGrid>
      )}
    </Stack>
  )
}
