import type { RunEventDraft } from '../../shared/runEvents'
import type { JournalEntry } from '../../shared/runFolder'
import type { BlockRunner } from '../models/blockRunner'
import type { ExpertMemory } from '../models/keptExperts'
import type { PreparedRun } from '../prepare/preparedRun'
import type { BlockSolver } from '../solve/blockSolver'
import type { MomentKeeper } from './momentKeeper'
import type { Streams } from './streams'
import type { WeightsAhead } from './weightsAhead'

export type Events<T = void> = AsyncGenerator<RunEventDraft, T>

/** All that the passes of a run share. */
export interface RunContext {
  readonly prepared: PreparedRun
  readonly runner: BlockRunner
  readonly streams: Streams
  /** Where experts of a block stay while rows go through it: what hidden states leave of the memory budget. */
  readonly experts: ExpertMemory
  /** Full-precision weights of the blocks that are solved. */
  readonly ahead: WeightsAhead
  readonly solver: BlockSolver
  /** Missing where second moments are neither read from an earlier run nor kept for later ones. */
  readonly keeper?: MomentKeeper | undefined
  /** The run's folder. */
  readonly folder: string
  readonly signal: AbortSignal
  /** The steps that are finished, of all passes; each is added as soon as it counts. */
  readonly journal: JournalEntry[]
}

/**
 * One way over the model. A run is a sequence of passes; each step of each counts from the moment its journal entry is on
 * the disk, and a run that is taken up again goes on after the last one that does.

 *
 * @typeParam Entry - what the journal keeps of its steps
 */
export interface Pass<Entry extends JournalEntry = JournalEntry> {
  readonly name: Entry['pass']
  /**
   * The blocks that it visits, in its order; what lies behind the last block (norm and head) counts as one more. A pass
   * that goes over the whole model in each of its steps numbers these instead.
   */
  blocks(prepared: PreparedRun): readonly number[]
  /**
   * Says that it begins, and makes what its next step needs beside what finished steps left.
   *
   * @param finished - how many of its steps are done already
   */
  begin(context: RunContext, finished: number): Events
  /** One block. Everything that the entry names is on the disk when it returns. */
  step(context: RunContext, block: number): Events<Entry>
  /** What follows once the entry is on the disk; lets go of what only a repetition of the step would have needed. */
  settle(context: RunContext, entry: Entry): Events
  /**
   * Takes up what an earlier process left.
   *
   * @param entries - of this pass, at least one
   * @returns false when the files are not what the entries say, or these say too little: then these steps are done again, and all after them
   * @throws {AppError} BAD_INPUT when the inputs of the run are not what they were
   */
  restore(context: RunContext, entries: readonly Entry[]): Promise<boolean>
  /** Lets go of what its steps share, however they ended. */
  end?(context: RunContext): Promise<void>
}
