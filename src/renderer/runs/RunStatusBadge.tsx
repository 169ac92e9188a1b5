import { Badge } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconClock, IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react'
import type { RunStatus } from '../../shared/runEvents'
import { statusColor, statusText } from './status'

const ICONS = {
  queued: IconClock,
  running: IconPlayerPlay,
  completed: IconCheck,
  cancelled: IconPlayerStop,
  interrupted: IconAlertTriangle,
  failed: IconAlertTriangle
} as const satisfies Record<RunStatus, unknown>

/** The state of a run by colour, symbol and word. */
export function RunStatusBadge({ status }: { readonly status: RunStatus }) {
  const Icon = ICONS[status]
  return (
    <Badge
      variant="light"
      color={statusColor(status)}
      tt="none"
      fw={500}
      style={{ flexShrink: 0 }}
      miw="max-content"
      leftSection={<Icon size={12} aria-hidden />}
    >
      {statusText(status)}
    </Badge>
  )
}
