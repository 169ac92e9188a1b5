import { appCalls } from './app'
import { calibrationCalls } from './calibration'
import type { InputOf, OutputOf } from './call'
import { compareCalls } from './compare'
import { deletionCalls } from './deletions'
import { deviceCalls } from './devices'
import { exportCalls } from './exports'
import { modelCalls } from './models'
import { planCalls } from './plan'
import { projectCalls } from './projects'
import { proofCalls } from './proof'
import { queueCalls } from './queue'
import { recipeCalls } from './recipes'
import { runCalls } from './runs'
import { settingsCalls } from './settings'
import { storeCalls } from './store'
import { sweepCalls } from './sweeps'

/*
 * Everything that the window may ask for. Main checks each call against it: the name, the sender, the input. It answers
 * MAIN_CALLS itself and hands WORKBENCH_CALLS on to the engine process.
 */

export const MAIN_CALLS = appCalls
export const WORKBENCH_CALLS = {
  ...storeCalls,
  ...projectCalls,
  ...runCalls,
  ...queueCalls,
  ...modelCalls,
  ...deviceCalls,
  ...proofCalls,
  ...recipeCalls,
  ...planCalls,
  ...exportCalls,
  ...settingsCalls,
  ...calibrationCalls,
  ...compareCalls,
  ...sweepCalls,
  ...deletionCalls
} as const
export const CONTRACT = { ...MAIN_CALLS, ...WORKBENCH_CALLS } as const

export type Contract = typeof CONTRACT
export type CallName = keyof Contract
export type WorkbenchCallName = keyof typeof WORKBENCH_CALLS
export type CallInput<N extends CallName> = InputOf<Contract[N]>
export type CallOutput<N extends CallName> = OutputOf<Contract[N]>
