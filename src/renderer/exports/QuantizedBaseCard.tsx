import { Alert, Button, Card, Group, Stack, Text, Title } from '@mantine/core'
import { IconCheck, IconDownload } from '@tabler/icons-react'
import { useState } from 'react'
import type { BaseExport } from '../../shared/baseExport'
import type { ExportedVariant } from '../../shared/contract/exports'
import { allowedModel } from '../api/allowed'
import { call } from '../api/desktop'
import { useTask } from '../api/hooks'
import { ErrorCard } from '../components/ErrorCard'
import { PathText } from '../components/PathText'
import { CallProgressBar } from '../components/ProgressBar'
import { formatBytes, plural } from '../format/numbers'
import { baseName } from '../format/paths'

interface Props {
  readonly run: string
  readonly found: Pick<ExportedVariant, 'variant' | 'model' | 'noBase' | 'fingerprint'>
}

/** Writes the quantized base that the adapter was made for as a checkpoint of its own. */
export function QuantizedBaseCard({ run, found: { variant, model, noBase, fingerprint } }: Props) {
  const write = useTask('exports.base')
  const [written, setWritten] = useState<BaseExport>()
  const start = async (): Promise<void> => {
    const name = `${baseName(model)}-${fingerprint?.quantizer ?? 'quantized'}`
    const out = await call('app.pickTarget', { kind: 'base', name })
    if (out !== null && (await allowedModel(model))) setWritten(await write.run({ run, variant, out }))
  }
  return (
    <Card withBorder>
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <Title order={2} size="h4">
          Quantized base
        </Title>
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          disabled={noBase !== null}
          loading={write.running}
          onClick={() => void start()}
        >
          Write the base…
        </Button>
      </Group>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {noBase === null
            ? 'A checkpoint that transformers loads as it is, with the very codes that this adapter was made for.'
            : `Not offered here: ${noBase}.`}
        </Text>
        {write.running && (
          <CallProgressBar progress={write.progress} label="Reading the checkpoint" onCancel={write.cancel} />
        )}
        {write.error && <ErrorCard title="The base was not written" error={write.error} />}
        {written && !write.running && (
          <Alert
            color="teal"
            variant="light"
            role="status"
            icon={<IconCheck aria-hidden />}
            title="The base is written"
          >
            <Stack gap={4} align="flex-start">
              <PathText path={written.path} length={72} />
              <Text size="sm">
                {plural(written.weightFiles.length, 'weight file')}, {formatBytes(written.bytes)},{' '}
                {plural(written.linears, 'linear')} quantized.
              </Text>
              {written.notes.map((note) => (
                <Text key={note} size="sm">
                  {note}
                </Text>
              ))}
            </Stack>
          </Alert>
        )}
      </Stack>
    </Card>
  )
}
