import { ActionIcon, Button, Group, Select, Stack, Text, Tooltip } from '@mantine/core'
import { IconArrowBackUp } from '@tabler/icons-react'
import { call } from '../api/desktop'
import { useCall } from '../api/hooks'
import { useProject } from '../api/useProject'
import { shortenPath } from '../format/paths'

interface Props {
  readonly out: string | null
  /** The folder below which runs put their adapters when nobody says otherwise. */
  readonly outputs: string
  readonly onChange: (out: string | null) => void
}

/** Which project the run belongs to, and where its adapters go. */
export function RunTarget({ out, outputs, onChange }: Props) {
  const [project, setProject] = useProject()
  const projects = (useCall('projects.list', {}).data ?? []).filter(({ archivedAtMs }) => archivedAtMs === null)
  const pick = async (): Promise<void> => {
    const [path] = await call('app.pick', { kind: 'folder' })
    if (path !== undefined) onChange(path)
  }
  const shown = out ?? `${outputs}/<run>`
  return (
    <Stack gap="sm">
      <Select
        label="Project"
        size="xs"
        allowDeselect={false}
        data={projects.map(({ id, name }) => ({ value: id, label: name }))}
        value={project}
        onChange={(id) => id !== null && setProject(id)}
      />
      <Stack gap={2}>
        <Group justify="space-between" wrap="nowrap">
          <Text size="xs" fw={600}>
            Adapters go to
          </Text>
          <Group gap={4} wrap="nowrap">
            {out !== null && (
              <Tooltip label="Back to the folder of the run's own">
                <ActionIcon
                  size="sm"
                  variant="subtle"
                  color="gray"
                  aria-label="Use the default folder"
                  onClick={() => onChange(null)}
                >
                  <IconArrowBackUp size={14} aria-hidden />
                </ActionIcon>
              </Tooltip>
            )}
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => void pick()}
              aria-label="Choose… a folder for the adapters"
            >
              Choose…
            </Button>
          </Group>
        </Group>
        <Tooltip label={shown} multiline maw={480} style={{ overflowWrap: 'anywhere' }}>
          <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }} data-out>
            {shortenPath(shown, 56)}
          </Text>
        </Tooltip>
      </Stack>
    </Stack>
  )
}
