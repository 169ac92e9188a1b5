import { assertNever } from '../../shared/errors'
import type { Phase, RunEvent } from '../../shared/runEvents'
import { formatCount, formatDuration, formatShare, plural } from './numbers'
import type { Terminal } from './terminal'

/*
 * A run's events for people: on a terminal one bar that is redrawn, elsewhere a line for each step.
 */

const VERBS: Readonly<Record<Phase, string>> = {
  reading: 'reading',
  embedding: 'embedding',
  blocks: 'blocks',
  evaluating: 'evaluating',
  exporting: 'exporting'
}

interface State {
  phase: Phase
  total: number
  done: number
  layer: string
  /** Durations of the blocks that this process finished: what is left is estimated from them alone. */
  readonly durationsMs: number[]
  /** Shares of the loss removed by the best variant, per linear of the block under way. */
  removed: number[]
}

/** A listener that shows a run's events until `finished`, which is left to others. */
export function showProgress(terminal: Terminal): (event: RunEvent) => void {
  const state: State = { phase: 'reading', total: 0, done: 0, layer: '', durationsMs: [], removed: [] }
  return (event) => {
    follow(state, event)
    const line = plainLine(state, event)
    if (event.type === 'warning') terminal.note(`warning: ${event.message}`)
    if (!terminal.live) {
      if (line !== undefined) terminal.note(line)
    } else terminal.draw(event.type === 'finished' ? '' : barLine(state, terminal.width))
    if (event.type === 'blockFinished') state.removed = []
  }
}

function follow(state: State, event: RunEvent): void {
  switch (event.type) {
    case 'phaseStarted':
      Object.assign(state, { phase: event.phase, total: event.total, done: 0, layer: '' })
      return
    case 'phaseProgress':
      state.done = event.done
      return
    case 'layerFinished':
      state.layer = event.layer
      state.removed.push(...bestShare(event))
      return
    case 'blockFinished':
      state.done = event.block + 1
      state.durationsMs.push(event.durationMs)
      return
    case 'planned':
    case 'evaluated':
    case 'artifactWritten':
    case 'warning':
    case 'finished':
      return
    default:
      assertNever(event)
  }
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
      return event.phase === 'blocks' ? undefined : `${VERBS[event.phase]} …`
    case 'blockFinished': {
      const seconds = formatDuration(event.durationMs / 1000)
      return `block ${event.block + 1} of ${event.total} in ${seconds}${lossText(state.removed)}${etaText(state)}`
    }
    case 'artifactWritten':
      return `wrote ${event.path}`
    default:
      return undefined
  }
}

function plannedLine(event: Extract<RunEvent, { type: 'planned' }>): string {
  const tokens = `${formatCount(event.calibrationTokens)} calibration tokens`
  const resumed = event.resumedBlocks > 0 ? `, ${event.resumedBlocks} of them done before` : ''
  return `${plural(event.blocks, 'block')}${resumed}; ${plural(event.linears, 'linear')}, ${tokens}, ${plural(event.variants.length, 'variant')}`
}

const lossText = (removed: readonly number[]): string =>
  removed.length === 0 ? '' : `, ${formatShare(mean(removed))} of the loss removed`

function etaText({ phase, total, done, durationsMs }: State): string {
  if (phase !== 'blocks' || durationsMs.length === 0 || done >= total) return ''
  return `, ${formatDuration((mean(durationsMs) * (total - done)) / 1000)} left`
}

/** `blocks      ██████▌░░░░░  3 of 8  model.layers.2.mlp.up_proj, 12 s left`, cut to the terminal's width. */
export function barLine(state: State, width: number): string {
  const { phase, total, done } = state
  const share = total > 0 ? Math.min(1, done / total) : 0
  const count = phase === 'blocks' ? `  ${Math.min(total, Math.floor(done) + (share < 1 ? 1 : 0))} of ${total}` : ''
  const detail = phase === 'blocks' ? `  ${state.layer}${etaText(state)}` : ''
  return [...`${VERBS[phase].padEnd(11)}${bar(share, 24)}${count}${detail}`]
    .slice(0, width - 1)
    .join('')
    .trimEnd()
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

export function bar(share: number, cells: number): string {
  const eighths = Math.round(share * cells * 8)
  const full = '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]
  return full + '░'.repeat(cells - [...full].length)
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
