import type { DeviceReport, Inspection, Plan, Verification } from './plan'
import type { Recipe } from './recipe'
import type { RunEvent } from './runEvents'
import type { ResolvedText } from './runFolder'

/*
 * What the engine process does for others: one entry is one request that crosses the thread boundary.
 * Requests and answers are plain data; tensors stay in files.
 */
export interface EngineApi {
  /** Executes, or goes on with, the run whose record lies in `folder`; events arrive through the listener. */
  run: { input: { folder: string }; output: { finished: RunEvent } }
  plan: {
    input: { recipe: Recipe; calibration: ResolvedText[]; evaluation: ResolvedText[]; measure: boolean }
    output: Plan
  }
  inspect: { input: { path: string }; output: Inspection }
  verify: { input: { adapter: string; model: string }; output: Verification }
  devices: { input: Record<string, never>; output: DeviceReport[] }
}

export type EngineMethod = keyof EngineApi
