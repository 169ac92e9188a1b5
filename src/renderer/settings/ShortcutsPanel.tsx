import { Stack, Text, Title } from '@mantine/core'
import { EVERYWHERE, ShortcutTable } from '../components/shortcuts'

/** The shortcuts that work on every page; those of one page are shown by `?` there. */
export function ShortcutsPanel() {
  return (
    <Stack gap="sm" maw={640}>
      <Title order={2} size="h4">
        Keyboard shortcuts
      </Title>
      <ShortcutTable shortcuts={EVERYWHERE} />
      <Text size="sm" c="dimmed">
        On any page ? shows this list with the shortcuts of the page.
      </Text>
    </Stack>
  )
}
