import { Alert, Select, SimpleGrid, Stack } from '@mantine/core'
import { SAMPLE_KINDS, type SampleKind, type SampleShape } from '../../shared/samples'
import { SHAPE_LABELS } from './setText'
import { PARTS, shapeFor } from './shapeFor'

interface Props {
  readonly columns: readonly string[]
  readonly shape: SampleShape | undefined
  /** Whether the file's columns have names that are known. */
  readonly guessed: boolean
  readonly onChange: (shape: SampleShape) => void
}

/** Which column of the file holds what: guessed from the names, and changed by the person. */
export function ShapeFields({ columns, shape, guessed, onChange }: Props) {
  const chosen: Readonly<Record<string, unknown>> = shape ?? {}
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
        onChange={(value) => value !== null && onChange(shapeFor(value as SampleKind, columns))}
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
