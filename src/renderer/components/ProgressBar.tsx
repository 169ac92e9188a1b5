import { Button, Group, Progress, Stack, Text } from '@mantine/core'

interface Props {
  readonly label: string
  readonly done: number
  /** null while it is unknown. */
  readonly total: number | null
  readonly onCancel?: () => void
}

/** A long action with what it does now, how far it is, and a way out. */
export function ProgressBar({ label, done, total, onCancel }: Props) {
  const percent = total === null || total === 0 ? 100 : Math.min(100, (100 * done) / total)
  return (
    <Stack gap={4}>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" truncate>
          {label}
        </Text>
        {onCancel && (
          <Button size="compact-xs" variant="default" onClick={onCancel}>
            Cancel
          </Button>
        )}
      </Group>
      <Progress value={percent} animated={total === null} striped={total === null} aria-label={label} />
    </Stack>
  )
}
