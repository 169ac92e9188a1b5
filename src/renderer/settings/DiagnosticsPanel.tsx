import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconDeviceFloppy } from '@tabler/icons-react'
import { call } from '../api/desktop'
import { useCall } from '../api/hooks'
import { CodeBlock } from '../components/CodeBlock'
import { CopyButton } from '../components/CopyButton'
import { notifyDone, notifyError } from '../components/notify'
import { QueryView } from '../components/QueryView'

/** A text for a report of a defect, to read before it is given away. */
export function DiagnosticsPanel() {
  const info = useCall('app.info', {})
  const { electron = '', chrome = '' } = info.data?.versions ?? {}
  const diagnostics = useCall(
    'settings.diagnostics',
    { versions: { electron, chrome } },
    { enabled: info.data !== undefined }
  )
  return (
    <Stack gap="sm">
      <Title order={2} size="h4">
        Diagnostics
      </Title>
      <Text size="sm" c="dimmed" maw={640}>
        For a report of a defect. Folders, user and computer names are taken out; Quail itself sends nothing anywhere.
      </Text>
      <QueryView query={diagnostics} failure="The diagnostics could not be gathered" rows={10}>
        {({ text }) => (
          <>
            <Group gap="xs">
              <CopyButton value={text} label="Copy diagnostics" />
              <Button
                size="xs"
                variant="default"
                leftSection={<IconDeviceFloppy size={14} aria-hidden />}
                onClick={() => void save(text)}
              >
                Save…
              </Button>
              <Button
                size="xs"
                variant="subtle"
                onClick={() => void diagnostics.refetch()}
                loading={diagnostics.isFetching}
              >
                Gather again
              </Button>
            </Group>
            <CodeBlock wrap label="Text of the diagnostics" maxHeight="calc(100dvh - 290px)">
              {text}
            </CodeBlock>
          </>
        )}
      </QueryView>
    </Stack>
  )
}

async function save(text: string): Promise<void> {
  try {
    const path = await call('app.save', { name: 'quail-diagnostics.txt', content: text })
    if (path !== null) notifyDone(`Saved as ${path}`)
  } catch (error) {
    notifyError('The diagnostics were not saved', error)
  }
}
