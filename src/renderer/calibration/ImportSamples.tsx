import { Stack, Text, Title } from '@mantine/core'
import type { ImportPreview } from '../../shared/contract/calibration'
import { capitalized } from '../format/letters'
import { BadRows } from './BadRows'
import { SampleText } from './SampleText'

const sentence = (note: string): string => `${capitalized(note)}.`

/** The first samples of a file as they would be stored, and the rows that give none. */
export function ImportSamples({ found }: { readonly found: ImportPreview }) {
  return (
    <Stack gap="sm">
      <BadRows rows={found.badRows} />
      {found.notes.map((note) => (
        <Text key={note} size="sm" c="dimmed">
          {sentence(note)}
        </Text>
      ))}
      <Title order={3} size="h5">
        First samples
      </Title>
      {found.samples.length === 0 && (
        <Text size="sm" c="dimmed">
          None of the first {found.rowsRead} rows gives a sample in this form.
        </Text>
      )}
      {found.samples.map(({ row, text }) => (
        <SampleText
          key={row}
          label={found.plainText ? `Sample ${row}` : `Row ${row}`}
          text={text}
          kind={found.kind ?? 'text'}
        />
      ))}
    </Stack>
  )
}
