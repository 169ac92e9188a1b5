import { ProgressTracker } from '../../services/runProgress'
import { durationText } from '../../shared/durationText'
import { enoughRowsSentence } from '../../shared/enoughRows'
import { changeShare, refiningSentence } from '../../shared/refinementWords'
import type { RunEvent } from '../../shared/runEvents'
import { PHASE_WORDS, warningWord } from '../../shared/runWords'
import { formatCount, formatShare, plural } from './numbers'
import type { Terminal } from './terminal'

/*
 * A run's events for people: on a terminal one bar that is redrawn, elsewhere a line for each step.
 */

interface State {
  readonly tracker: ProgressTracker
  layer: string
  /** Shares of the loss removed by the best variant, per linear of the block under way. */
  removed: number[]
}

/** A listener that shows a run's events until `finished`, which is left to others. */
export function showProgress(terminal: Terminal): (event: RunEvent) => void {
  const state: State = { tracker: new ProgressTracker(), layer: '', removed: [] }
  return (event) => {
    follow(state, event)
    const line = plainLine(state, event)
    if (event.type === 'warning') terminal.note(`${warningWord(event)}: ${event.message}`)
    if (!terminal.live) {
      if (line !== undefined) terminal.note(line)
    } else terminal.draw(event.type === 'finished' ? '' : barLine(state, terminal.width, event.atMs))
    if (event.type === 'planned' && event.enoughRows) terminal.note(enoughRowsSentence(event.enoughRows))
    if (event.type === 'blockFinished') state.removed = []
  }
}

function follow(state: State, event: RunEvent): void {
  state.tracker.accept(event)
  if (event.type !== 'layerFinished') return
  state.layer = event.layer
  state.removed.push(...bestShare(event))
}

function bestShare(event: Extract<RunEvent, { type: 'layerFinished' }>): number[] {
  const shares = event.results
    .filter(({ result }) => result.lossRank0 > 0)
    .map(({ result: r }) => 1 - r.loss / r.lossRank0)
  return shares.length === 0 ? [] : [Math.max(...shares)]
}

function plainLine(state: State, event: RunEvent): string | undefined {
  switch (event.type) {
    case 'planned':
      return plannedLine(event)
    case 'phaseStarted':
      return event.phase === 'blocks' ? undefined : `${PHASE_WORDS[event.phase]} …`
    case 'blockFinished': {
      const seconds = durationText(event.durationMs)
      return `block ${event.block + 1} of ${event.total} in ${seconds}${lossText(state.removed)}${timeLeft(state, event.atMs)}`
    }
    case 'refined':
      return `${event.variant}: ${refiningSentence(event.result)}${timeLeft(state, event.atMs)}`
    case 'artifactWritten':
      return `wrote ${event.path}`
    default:
      return undefined
  }
}

function plannedLine(event: Extract<RunEvent, { type: 'planned' }>): string {
  const tokens = `${formatCount(event.calibrationTokens)} calibration tokens`
  const resumed = event.resumedBlocks > 0 ? `, ${event.resumedBlocks} of them done before` : ''
  const used = event.moments?.state === 'used' ? ' (second moments of an earlier run)' : ''
  return `${plural(event.blocks, 'block')}${resumed}; ${plural(event.linears, 'linear')}, ${tokens}${used}, ${plural(event.variants.length, 'variant')}`
}

const lossText = (removed: readonly number[]): string =>
  removed.length === 0 ? '' : `, ${formatShare(mean(removed))} of the loss removed`

/** One figure for what the window shows as a span. */
function timeLeft({ tracker }: State, nowMs: number): string {
  const left = tracker.remaining(nowMs)
  return left === null ? '' : `, ${durationText((left.low + left.high) / 2)} left`
}

/** `blocks      ██████▌░░░░░  3 of 8  model.layers.2.mlp.up_proj, 12 s left`, cut to the terminal's width. */
function barLine({ tracker, ...state }: State, width: number, nowMs: number): string {
  const { phase, share, blocks, blocksDone } = tracker
  const inBlocks = phase === 'blocks'
  const count = inBlocks ? `  ${Math.min(blocks, blocksDone + 1)} of ${blocks}` : refiningCount(tracker)
  const detail = `${inBlocks ? `  ${state.layer}` : ''}${timeLeft({ tracker, ...state }, nowMs)}`
  return [
    ...`${PHASE_WORDS[phase].padEnd(11)}${bar(share, tracker.refining === null ? CELLS : CELLS / 2)}${count}${detail}`
  ]
    .slice(0, width - 1)
    .join('')
    .trimEnd()
}

/** `  exact-r16-refined 13 of 48, KL −9 %`: the step, and the least divergence so far against the start's. */
function refiningCount({ refining }: ProgressTracker): string {
  if (refining === null) return ''
  const { variant, step, steps, start, least } = refining
  const reached = start === null || least === null ? '' : `, KL ${changeShare(start, least)}`
  return `  ${variant} ${step} of ${steps}${reached}`
}

/** Of the bar; half as many where a variant's name stands beside it. */
const CELLS = 24

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

export function bar(share: number, cells: number): string {
  const eighths = Math.round(share * cells * 8)
  const full = '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]
  return full + '░'.repeat(cells - [...full].length)
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
