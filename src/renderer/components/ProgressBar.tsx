import { Button, Group, Progress, Stack, Text } from '@mantine/core'
import type { CallProgress } from '../api/hooks'
import { formatBytes } from '../format/numbers'

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
        <Text size="sm" style={{ overflowWrap: 'anywhere', minWidth: 0 }}>
          {label}
        </Text>
        {onCancel && (
          <Button size="compact-xs" variant="default" style={{ flexShrink: 0 }} onClick={onCancel}>
            Cancel
          </Button>
        )}
      </Group>
      <Progress value={percent} animated={total === null} striped={total === null} aria-label={label} />
    </Stack>
  )
}

interface CallProgressProps {
  /** null before the call told any. */
  readonly progress: CallProgress | null
  /** What it does before it told. */
  readonly label: string
  readonly onCancel: () => void
}

/** How far a long call is, as it tells itself, with the size of what it works on. */
export function CallProgressBar({ progress, label, onCancel }: CallProgressProps) {
  const { done = 0, total = null, bytes } = progress ?? {}
  const size = bytes === undefined ? '' : `, ${formatBytes(bytes)}`
  return <ProgressBar label={`${progress?.label ?? label}${size}`} done={done} total={total} onCancel={onCancel} />
}
