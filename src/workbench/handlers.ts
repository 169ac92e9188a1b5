import type { WORKBENCH_CALLS } from '../shared/contract'
import { calibrationHandlers } from './calibration'
import { compareHandlers } from './compare'
import type { WorkbenchContext } from './context'
import { deletionHandlers } from './deletions'
import { deviceHandlers } from './devices'
import { exportHandlers } from './exports'
import type { HandlersOf } from './handler'
import { modelHandlers } from './models'
import { planHandlers } from './plan'
import { projectHandlers } from './projects'
import { proofHandlers } from './proof'
import { queueHandlers } from './queue'
import { recipeHandlers } from './recipes'
import { runHandlers } from './runs'
import { settingsHandlers } from './settings'
import { sweepHandlers } from './sweeps'

type AllHandlers = HandlersOf<Omit<typeof WORKBENCH_CALLS, 'store.state' | 'store.rebuild'>>

/** The answering function of every call that needs the database; one line for each topic. */
export const handlersOf = (context: WorkbenchContext): AllHandlers => ({
  ...projectHandlers(context),
  ...runHandlers(context),
  ...queueHandlers(context),
  ...modelHandlers(context),
  ...deviceHandlers(context),
  ...proofHandlers(context),
  ...recipeHandlers(context),
  ...planHandlers(context),
  ...exportHandlers(context),
  ...settingsHandlers(context),
  ...calibrationHandlers(context),
  ...compareHandlers(context),
  ...sweepHandlers(context),
  ...deletionHandlers(context)
})
