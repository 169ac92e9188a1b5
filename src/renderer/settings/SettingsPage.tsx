import { Tabs } from '@mantine/core'
import {
  IconAdjustments,
  IconBug,
  IconDatabase,
  IconInfoCircle,
  IconKeyboard,
  type TablerIcon
} from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useLocation, useSearchParams } from 'wouter'
import { PageFrame } from '../components/PageFrame'
import { AboutPanel } from './AboutPanel'
import { DiagnosticsPanel } from './DiagnosticsPanel'
import { GeneralPanel } from './GeneralPanel'
import { ShortcutsPanel } from './ShortcutsPanel'
import { StoragePanel } from './StoragePanel'

const PANELS: readonly {
  readonly key: string
  readonly title: string
  readonly icon: TablerIcon
  readonly panel: () => ReactNode
}[] = [
  { key: 'general', title: 'General', icon: IconAdjustments, panel: () => <GeneralPanel /> },
  { key: 'storage', title: 'Storage', icon: IconDatabase, panel: () => <StoragePanel /> },
  { key: 'diagnostics', title: 'Diagnostics', icon: IconBug, panel: () => <DiagnosticsPanel /> },
  { key: 'shortcuts', title: 'Shortcuts', icon: IconKeyboard, panel: () => <ShortcutsPanel /> },
  { key: 'about', title: 'About', icon: IconInfoCircle, panel: () => <AboutPanel /> }
]

/** What holds for all of Quail on this machine; the address names the panel: `/settings?panel=storage`. */
export function SettingsPage() {
  const [parameters] = useSearchParams()
  const [, navigate] = useLocation()
  const panel = PANELS.find(({ key }) => key === parameters.get('panel'))?.key ?? 'general'
  return (
    <PageFrame title="Settings">
      <Tabs
        value={panel}
        onChange={(key) => navigate(`/settings?panel=${key}`, { replace: true })}
        orientation="vertical"
        keepMounted={false}
        styles={{ tabLabel: { textAlign: 'left' } }}
      >
        <Tabs.List miw={150}>
          {PANELS.map(({ key, title, icon: Icon }) => (
            <Tabs.Tab
              key={key}
              value={key}
              leftSection={<Icon size={16} aria-hidden />}
              style={{ justifyContent: 'flex-start' }}
            >
              {title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {PANELS.map(({ key, panel: content }) => (
          <Tabs.Panel key={key} value={key} pl="lg" style={{ minWidth: 0 }}>
            {content()}
          </Tabs.Panel>
        ))}
      </Tabs>
    </PageFrame>
  )
}
