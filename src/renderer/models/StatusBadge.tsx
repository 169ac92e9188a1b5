import { Badge } from '@mantine/core'
import { IconCheck, IconCircleDashed, IconX } from '@tabler/icons-react'
import type { ModelStatus } from '../../shared/models'
import { STATUS_LABELS } from './modelText'

const LOOKS = {
  ready: { color: 'teal', icon: IconCheck },
  incomplete: { color: 'orange', icon: IconCircleDashed },
  unsupported: { color: 'gray', icon: IconX }
} as const

/** Whether Quail can prepare a checkpoint: by colour, symbol and word. */
export function StatusBadge({ status }: { readonly status: ModelStatus }) {
  const { color, icon: Icon } = LOOKS[status]
  return (
    <Badge
      variant="light"
      color={color}
      tt="none"
      fw={500}
      style={{ flexShrink: 0 }}
      leftSection={<Icon size={12} aria-hidden />}
    >
      {STATUS_LABELS[status]}
    </Badge>
  )
}
