import type { Queue } from '../services/queueService'
import type { Services } from '../services/services'
import type { WindowEvent } from '../shared/contract/events'
import type { Grants } from './grants'
import type { WorkbenchInstallation } from './protocol'

/** What the answering functions of every topic work with. */
export interface WorkbenchContext {
  readonly services: Services
  readonly queue: Queue
  readonly installation: WorkbenchInstallation
  readonly grants: Grants
  /** Tells the window; facts are stored before. */
  readonly emit: (event: WindowEvent) => void
}
