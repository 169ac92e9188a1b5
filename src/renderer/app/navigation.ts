import {
  IconArrowsDiff,
  IconChartDots,
  IconCpu,
  IconDatabase,
  IconHome,
  IconListDetails,
  IconSettings,
  IconStack2,
  type TablerIcon
} from '@tabler/icons-react'

export interface Place {
  readonly label: string
  readonly to: string
  readonly icon: TablerIcon
}

/** The rail's entries, in order. */
export const PLACES: readonly Place[] = [
  { label: 'Home', to: '/', icon: IconHome },
  { label: 'Models', to: '/models', icon: IconStack2 },
  { label: 'Data', to: '/data', icon: IconDatabase },
  { label: 'Runs', to: '/runs', icon: IconListDetails },
  { label: 'Sweeps', to: '/sweeps', icon: IconChartDots },
  { label: 'Compare', to: '/compare', icon: IconArrowsDiff },
  { label: 'Devices', to: '/devices', icon: IconCpu },
  { label: 'Settings', to: '/settings', icon: IconSettings }
]
