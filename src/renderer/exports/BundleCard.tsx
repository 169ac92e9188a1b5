import { Button, Card, Checkbox, Group, Stack, Text, Title } from '@mantine/core'
import { IconFileZip } from '@tabler/icons-react'
import { useState } from 'react'
import type { WrittenBundle } from '../../shared/exports'
import { call } from '../api/desktop'
import { useTask } from '../api/hooks'
import { ErrorCard } from '../components/ErrorCard'
import { PathText } from '../components/PathText'
import { CallProgressBar } from '../components/ProgressBar'
import { formatBytes, plural } from '../format/numbers'

/** The whole run as one file, for another machine. */
export function BundleCard({ run }: { readonly run: string }) {
  const [factors, setFactors] = useState(false)
  const [written, setWritten] = useState<WrittenBundle | null>(null)
  const task = useTask('exports.bundle')
  const write = async (): Promise<void> => {
    const out = await call('app.pickTarget', { kind: 'bundle', name: `${run}.quailrun` })
    if (out === null) return
    setWritten(null)
    const done = await task.run({ run, out, factors })
    if (done !== undefined) setWritten(done)
  }
  return (
    <Card withBorder>
      <Title order={2} size="h4">
        Carry the run to another machine
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        A run bundle holds the recipe, the journal, the results, samples of stored calibration sets, every adapter, and
        your name, notes and tags, with a SHA-256 of each file. It names the model and texts by their paths here. Drop
        it on the window there to import it.
      </Text>
      <Stack gap="sm">
        <Group>
          <Button
            variant="default"
            leftSection={<IconFileZip size={16} aria-hidden />}
            onClick={() => void write()}
            disabled={task.running}
          >
            Write run bundle…
          </Button>
          <Checkbox
            label="With the factors of each block"
            checked={factors}
            onChange={(event) => setFactors(event.currentTarget.checked)}
          />
        </Group>
        {task.running && <CallProgressBar progress={task.progress} label="Hashing the files" onCancel={task.cancel} />}
        {task.error !== null && <ErrorCard title="The bundle was not written" error={task.error} />}
        {written !== null && (
          <Group gap="xs" role="status">
            <PathText path={written.path} length={64} />
            <Text size="sm">
              {plural(written.files, 'file')}, {formatBytes(written.bytes)}
            </Text>
          </Group>
        )}
      </Stack>
    </Card>
  )
}
