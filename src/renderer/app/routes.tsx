import type { ReactNode } from 'react'
import { DataPage } from '../calibration/DataPage'
import { SetPage } from '../calibration/SetPage'
import { ComparePage } from '../compare/ComparePage'
import { DevicesPage } from '../devices/DevicesPage'
import { ExportPage } from '../exports/ExportPage'
import { HomePage } from '../home/HomePage'
import { ModelPage } from '../models/ModelPage'
import { ModelsPage } from '../models/ModelsPage'
import { NewRunPage } from '../newRun/NewRunPage'
import { RunPage } from '../run/RunPage'
import { RunsPage } from '../runs/RunsPage'
import { SettingsPage } from '../settings/SettingsPage'
import { SweepPage } from '../sweeps/SweepPage'
import { SweepsPage } from '../sweeps/SweepsPage'

/** Every page and its address. The first that matches is shown. */
export const ROUTES: readonly { readonly path: string; readonly page: () => ReactNode }[] = [
  { path: '/', page: () => <HomePage /> },
  { path: '/models', page: () => <ModelsPage /> },
  { path: '/models/:id', page: () => <ModelPage /> },
  { path: '/data', page: () => <DataPage /> },
  { path: '/data/:name', page: () => <SetPage /> },
  { path: '/devices', page: () => <DevicesPage /> },
  { path: '/runs', page: () => <RunsPage /> },
  { path: '/runs/:id/export', page: () => <ExportPage /> },
  { path: '/runs/:id/:kind?/:layer?', page: () => <RunPage /> },
  { path: '/new', page: () => <NewRunPage /> },
  { path: '/sweeps', page: () => <SweepsPage /> },
  { path: '/sweeps/:id', page: () => <SweepPage /> },
  { path: '/compare', page: () => <ComparePage /> },
  { path: '/settings', page: () => <SettingsPage /> }
]
