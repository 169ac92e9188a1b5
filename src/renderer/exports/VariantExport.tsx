import { Alert, Button, Card, Group, Stack, Text, Title } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useState } from 'react'
import type { ExportedVariant } from '../../shared/contract/exports'
import type { CopiedAdapter } from '../../shared/exports'
import { NO_TRAINER } from '../../shared/quantizerWords'
import { call } from '../api/desktop'
import { useCall } from '../api/hooks'
import { confirm } from '../components/confirm'
import { KeyValues } from '../components/KeyValues'
import { notifyError } from '../components/notify'
import { PathText } from '../components/PathText'
import { QueryView } from '../components/QueryView'
import { formatBytes, plural } from '../format/numbers'
import { CheckCard, Digest } from './CheckCard'
import { CompatibilityTable } from './CompatibilityTable'
import { QuantizedBaseCard } from './QuantizedBaseCard'
import { SnippetTabs } from './SnippetTabs'

interface Props {
  readonly run: string
  readonly variant: string
}

/** One adapter: where it lies, a copy of it, where it can be used and how. */
export function VariantExport({ run, variant }: Props) {
  const [copied, setCopied] = useState<CopiedAdapter | null>(null)
  const query = useCall('exports.variant', { run, variant, copiedTo: copied?.path ?? null }, { keepPrevious: true })
  return (
    <QueryView query={query} failure="The adapter could not be read" rows={8}>
      {(found) => (
        <Stack gap="lg">
          <AdapterCard run={run} found={found} copied={copied} onCopied={setCopied} />
          <Card withBorder>
            <Title order={2} size="h4" mb="xs">
              Where it can be used
            </Title>
            <CompatibilityTable entries={found.compatibility} />
          </Card>
          <Card withBorder>
            <Title order={2} size="h4">
              Train with it
            </Title>
            <Text size="sm" c="dimmed" mb="sm">
              Each names the quantization that this adapter was made for{copied === null ? '' : ', and the copy'}.
            </Text>
            {found.snippets.length === 0 ? (
              <Text size="sm">There is no snippet: {NO_TRAINER}.</Text>
            ) : (
              <SnippetTabs snippets={found.snippets} />
            )}
          </Card>
          <CheckCard run={run} found={found} copied={copied} />
          <QuantizedBaseCard run={run} found={found} />
        </Stack>
      )}
    </QueryView>
  )
}

interface AdapterCardProps {
  readonly run: string
  readonly found: ExportedVariant
  readonly copied: CopiedAdapter | null
  readonly onCopied: (copied: CopiedAdapter) => void
}

function AdapterCard({ run, found, copied, onCopied }: AdapterCardProps) {
  const [busy, setBusy] = useState(false)
  const copy = async (): Promise<void> => {
    setBusy(true)
    try {
      const done = await copyTo(run, found.variant)
      if (done !== undefined) onCopied(done)
    } catch (error) {
      notifyError('The adapter was not copied', error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Card withBorder>
      <Group justify="space-between" align="flex-start" wrap="nowrap" mb="xs">
        <Title order={2} size="h4" style={{ overflowWrap: 'anywhere' }}>
          Adapter {found.variant}
        </Title>
        <Button
          miw="max-content"
          leftSection={<IconCopy size={16} aria-hidden />}
          loading={busy}
          onClick={() => void copy()}
        >
          Copy adapter to…
        </Button>
      </Group>
      <KeyValues
        items={[
          ['Written to', <PathText key="path" path={found.adapter} length={64} />],
          ['Size', formatBytes(found.bytes)],
          ...(found.sha256 === null
            ? []
            : [['SHA-256 of the weights', <Digest key="sha" value={found.sha256} />] as const])
        ]}
      />
      {copied !== null && (
        <Alert
          mt="md"
          color="teal"
          variant="light"
          icon={<IconCheck aria-hidden />}
          title="Copied and read back"
          role="status"
        >
          <Stack gap={4} align="flex-start">
            <PathText path={copied.path} length={72} />
            <Text size="sm">
              {plural(copied.files.length, 'file')}, {formatBytes(copied.bytes)}, with the check of the fingerprint.
            </Text>
          </Stack>
        </Alert>
      )}
    </Card>
  )
}

/** Asks for a folder, and once more before an adapter that lies there is replaced. */
async function copyTo(run: string, variant: string): Promise<CopiedAdapter | undefined> {
  const [folder] = await call('app.pick', { kind: 'folder' })
  if (folder === undefined) return undefined
  const { path, meets } = await call('exports.target', { run, variant, folder })
  if (meets === 'adapter') {
    const replace = await confirm({
      title: 'Replace the adapter that lies there?',
      body: `${path} already holds an adapter. It is lost when it is replaced.`,
      confirm: 'Replace adapter'
    })
    if (!replace) return undefined
  }
  return call('exports.copy', { run, variant, to: path, replace: meets === 'adapter' })
}
