import type { RefiningProgress, RunProgress } from '../shared/contract/runs'
import { keptDivergence, type RefinementResult } from '../shared/refinement'
import { startDivergence } from '../shared/refinementWords'
import { Phase, type RunEvent } from '../shared/runEvents'

/** Blocks of one run differ; a remaining time from few of them is this much wider on either side. */
const MARGIN = 0.1
/** What follows from a part of a block, or from the arithmetic of a phase that has not begun, is known up to this factor. */
const ROUGHLY = 2
/** Shares of the work of a run that are not blocks and evaluation: files and tables. */
const SMALL = 0.01
/** A block's time is not told from less of it. */
const LEAST_PART = 0.05

type Span = NonNullable<RunProgress['remainingMs']>

/**
 * Follows the events of a run and says how far it is: one model for the command line and the window.
 *
 * Every phase has its share of the whole work; `share` goes from 0 to 1 over all of them and never back. The remaining time
 * comes from the blocks that this process has worked on: those of an earlier session ran on another machine or beside
 * other work.
 */
export class ProgressTracker {
  #phase: Phase = 'reading'
  #done = 0
  #total = 1
  #blocks = 0
  #blocksDone = 0
  #layersDone = 0
  #tokens = 0
  #evaluationShare = 0
  #refinementShare = 0
  #curvatureShare = 0
  #choiceShare = 0
  #share = 0
  /** The refinements of the run, in their order. */
  #refinements: readonly { readonly variant: string; readonly steps: number }[] = []
  /** What was last reported of each. */
  readonly #refined = new Map<string, RefinementResult>()
  /** Steps of a refinement that an earlier process made; undefined until its first report. */
  #refinedBefore: number | undefined
  /** When the present block or phase began. */
  #begunAtMs = 0
  readonly #durations: number[] = []

  accept(event: RunEvent): void {
    this.#follow(event)
    const done = event.type === 'finished' && event.status === 'completed'
    this.#share = done ? 1 : Math.max(this.#share, this.#shareNow())
  }

  #follow(event: RunEvent): void {
    switch (event.type) {
      case 'planned':
        this.#blocks = event.blocks
        this.#blocksDone = event.resumedBlocks
        this.#tokens = event.calibrationTokens
        this.#evaluationShare = event.evaluationShare ?? 0
        this.#refinementShare = event.refinementShare ?? 0
        this.#curvatureShare = event.curvatureShare ?? 0
        this.#choiceShare = event.choiceShare ?? 0
        this.#refinements = event.refinements ?? []
        return
      case 'phaseStarted':
        this.#phase = event.phase
        this.#done = 0
        this.#total = event.total
        this.#begunAtMs = event.atMs
        if (event.phase === 'blocks') this.#blocks = event.total
        return
      case 'phaseProgress':
        this.#done = event.done
        this.#total = event.total
        if (event.phase === 'refining') this.#refinedBefore ??= event.done
        if (event.phase === 'blocks') this.#blocksDone = Math.max(this.#blocksDone, Math.ceil(event.done) - 1)
        return
      case 'layerFinished':
        this.#layersDone++
        return
      case 'refined':
        this.#refined.set(event.variant, event.result)
        return
      case 'blockFinished':
        this.#blocksDone = event.block + 1
        this.#done = this.#blocksDone
        this.#durations.push(event.durationMs)
        this.#begunAtMs = event.atMs
        return
      default:
        return
    }
  }

  /** Of the whole run, from 0 to 1. */
  get share(): number {
    return this.#share
  }

  get blocksDone(): number {
    return Math.min(this.#blocks, this.#blocksDone)
  }

  get blocks(): number {
    return this.#blocks
  }

  get phase(): Phase {
    return this.#phase
  }

  get refining(): RefiningProgress | null {
    if (this.#phase !== 'refining') return null
    let before = 0
    for (const { variant, steps } of this.#refinements) {
      const step = Math.floor(this.#done) - before + 1
      before += steps
      if (step > steps) continue
      const result = this.#refined.get(variant)
      if (result === undefined) return { variant, step, steps, checks: 0, start: null, least: null }
      const figures = { start: startDivergence(result), least: keptDivergence(result) }
      return { variant, step, steps, checks: result.curve.length, ...figures }
    }
    return null
  }

  snapshot(run: Pick<RunProgress, 'run' | 'title' | 'startedAtMs' | 'memoryBytes'>, nowMs = Date.now()): RunProgress {
    return {
      ...run,
      phase: this.#phase,
      done: this.#done,
      total: this.#total,
      share: this.#share,
      blocksDone: this.blocksDone,
      blocks: this.#blocks,
      layersDone: this.#layersDone,
      refining: this.refining,
      remainingMs: this.remaining(nowMs),
      tokensPerSecond: this.#tokensPerSecond()
    }
  }

  /** Time to the end of the run, all phases that are to come included; null while nothing tells it. */
  remaining(nowMs: number): Span | null {
    switch (this.#phase) {
      case 'reading':
      case 'weighing':
      case 'embedding':
        return null
      case 'blocks': {
        const block = this.#blockTime(nowMs)
        if (block === null) return null
        const left = Math.max(0, this.#blocks - Math.max(this.#done, this.#blocksDone))
        const after = this.#timeAfterBlocks(block)
        return { low: left * block.low + after.low, high: left * block.high + after.high }
      }
      case 'choosing':
      case 'refining':
      case 'evaluating':
      case 'exporting':
        return this.#restOfPhase(nowMs)
    }
  }

  #weights(): Readonly<Record<Phase, number>> {
    const large = 1 - 3 * SMALL
    const evaluating = large * this.#evaluationShare
    const refining = large * this.#refinementShare
    const weighing = large * this.#curvatureShare
    const choosing = large * this.#choiceShare
    const blocks = large - evaluating - refining - choosing - weighing
    return { reading: SMALL, weighing, embedding: SMALL, blocks, choosing, refining, evaluating, exporting: SMALL }
  }

  #shareNow(): number {
    const weights = this.#weights()
    const before = PHASES.slice(0, PHASES.indexOf(this.#phase)).reduce((sum, phase) => sum + weights[phase], 0)
    const done = this.#phase === 'blocks' ? Math.max(this.#done, this.#blocksDone) : this.#done
    const part = this.#total > 0 ? Math.min(1, done / this.#total) : 0
    return before + weights[this.#phase] * part
  }

  /** How long one block takes. */
  #blockTime(nowMs: number): Span | null {
    if (this.#durations.length > 0) {
      const [shortest, longest] = [Math.min(...this.#durations), Math.max(...this.#durations)]
      return { low: shortest * (1 - MARGIN), high: longest * (1 + MARGIN) }
    }
    const part = this.#done - this.#blocksDone
    const elapsed = nowMs - this.#begunAtMs
    if (part < LEAST_PART || elapsed <= 0) return null
    return roughly(elapsed / part)
  }

  #timeAfterBlocks(block: Span): Span {
    const weights = this.#weights()
    const blocks = (this.#blocks * this.#weightFrom('choosing')) / weights.blocks
    const span = roughly(blocks)
    return { low: span.low * block.low, high: span.high * block.high }
  }

  /** Share of the phases from this one on. */
  #weightFrom(first: Phase): number {
    const weights = this.#weights()
    return PHASES.slice(PHASES.indexOf(first)).reduce((sum, phase) => sum + weights[phase], 0)
  }

  #restOfPhase(nowMs: number): Span | null {
    const elapsed = nowMs - this.#begunAtMs
    const done = this.#done - (this.#phase === 'refining' ? (this.#refinedBefore ?? 0) : 0)
    if (done > 0 && elapsed > 0) {
      const rest = (elapsed * (this.#total - this.#done)) / done
      const after = this.#phase === 'refining' ? (elapsed / done) * this.#stepsAfterRefining() : 0
      return { low: rest * (1 - MARGIN) + after / ROUGHLY, high: rest * (1 + MARGIN) + after * ROUGHLY }
    }
    const block = this.#blockTime(nowMs)
    return block === null || this.#phase === 'exporting' ? null : this.#timeAfterBlocks(block)
  }

  /** What follows a refinement, in its steps. */
  #stepsAfterRefining(): number {
    const { refining } = this.#weights()
    return refining > 0 ? (this.#total * this.#weightFrom('evaluating')) / refining : 0
  }

  /** Calibration tokens through one block per second. */
  #tokensPerSecond(): number | null {
    const last = this.#durations.at(-1)
    return last === undefined || last === 0 ? null : (1000 * this.#tokens) / last
  }
}

const PHASES = Phase.options

const roughly = (value: number): Span => ({ low: value / ROUGHLY, high: value * ROUGHLY })
