import { ActionIcon, Group, Stack, Text, Title, Tooltip } from '@mantine/core'
import { IconAlertTriangle, IconX } from '@tabler/icons-react'
import type { SearchedPlace } from '../../shared/models'
import { PathText } from '../components/PathText'
import { plural } from '../format/numbers'
import { SOURCE_LABELS } from './modelText'
import type { Folders } from './useFolders'

interface Props {
  readonly places: readonly SearchedPlace[]
  readonly folders: Folders
}

/** Where Quail looked, what it found there, and what kept it from looking. */
export function SearchedPlaces({ places, folders }: Props) {
  const shown = places.filter(({ source }) => source !== 'sample')
  return (
    <Stack gap={6} component="section" aria-label="Where Quail looked">
      <Title order={2} size="h5">
        Where Quail looked
      </Title>
      {shown.length === 0 && (
        <Text size="sm" c="dimmed">
          No Hugging Face cache was found: neither HF_HUB_CACHE nor HF_HOME leads to one, and there is no
          ~/.cache/huggingface/hub.
        </Text>
      )}
      {shown.map((place) => (
        <Place key={place.path} place={place} folders={folders} />
      ))}
    </Stack>
  )
}

function Place({
  place: { path, source, models, problem },
  folders
}: { readonly place: SearchedPlace } & Pick<Props, 'folders'>) {
  return (
    <Group gap="sm" wrap="nowrap">
      <PathText path={path} length={60} actions={false} />
      <Text size="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
        {SOURCE_LABELS[source]}, {plural(models, 'model')}
      </Text>
      {problem !== null && (
        <Group gap={4} wrap="nowrap" style={{ minWidth: 0 }}>
          <IconAlertTriangle size={14} color="var(--mantine-color-orange-7)" aria-hidden />
          <Text size="sm" truncate title={problem}>
            {problem}
          </Text>
        </Group>
      )}
      {source === 'folder' && (
        <Tooltip label="Search here no more; files stay">
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            aria-label={`Search ${path} no more`}
            onClick={() => void folders.remove(path)}
          >
            <IconX size={14} aria-hidden />
          </ActionIcon>
        </Tooltip>
      )}
    </Group>
  )
}
