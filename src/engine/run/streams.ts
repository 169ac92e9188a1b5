import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { concatRows, type TokenRows } from '../calibration/rows'
import { stateSize } from '../models/architecture'
import { isDecidedLate, type PreparedRun } from '../prepare/preparedRun'
import { hiddenBytes, streamShapes } from '../prepare/streamShapes'
import { HiddenStates, type SpoolEntry } from './hiddenStates'

/** The evaluation rows under one set of weights. */
export interface EvaluationStream {
  /** `full`, a quantizer's key, or a variant's name. */
  readonly subject: string
  /** Key of the quantizer of the base; undefined for the full-precision model. */
  readonly quantizer: string | undefined
  readonly states: HiddenStates
}

/** All hidden states of a run: the calibration rows, and the evaluation rows once per set of weights. */
export interface Streams {
  readonly calibration: HiddenStates
  /** The rows of all evaluation texts, which every evaluation stream holds. */
  readonly evaluation: TokenRows
  readonly full: EvaluationStream | undefined
  readonly quantized: ReadonlyMap<string, EvaluationStream>
  /** Variants that change the outputs; the others are read off their quantizer's stream. */
  readonly variants: ReadonlyMap<string, EvaluationStream>
  readonly all: readonly HiddenStates[]
  /** Those that go through the blocks as these are solved: all but the variants' that are decided late. */
  readonly solved: readonly HiddenStates[]
  /** Bytes of the device's memory that the hidden states of a run may take. */
  readonly room: number
  /** Those of variants that are refined or whose ranks are chosen, which go through the blocks once that is done. */
  readonly late: readonly EvaluationStream[]
}

/**
 * Makes the streams; in the order listed they stay in memory as long as the budget lasts.
 *
 * @param room - bytes of the device's memory that they may take beside that, likewise in order
 */
export function createStreams(prepared: PreparedRun, folder: string, room = 0): Streams {
  const { architecture, recipe } = prepared
  let left = recipe.memoryBudget
  let there = room
  const states = new Map<string, HiddenStates>()
  for (const shape of streamShapes(prepared)) {
    const full = { ...shape, context: recipe.context, width: stateSize(architecture) }
    const bytes = hiddenBytes(full)
    const made = new HiddenStates(folder, full, bytes <= left, there)
    states.set(shape.stream, made)
    left -= Math.min(left, bytes)
    there -= made.deviceBytes
  }
  const stream = (name: string, subject: string, quantizer?: string): EvaluationStream | undefined => {
    const found = states.get(name)
    return found && { subject, quantizer, states: found }
  }
  const collect = (prefix: string, subjects: Iterable<readonly [subject: string, quantizer: string]>) =>
    new Map(
      [...subjects].flatMap(([subject, quantizer]) => {
        const found = stream(`evaluation.${prefix}.${subject}`, subject, quantizer)
        return found ? [[subject, found] as const] : []
      })
    )
  const variants = collect(
    'variant',
    prepared.variants.map(({ name, quantizer }) => [name, quantizer])
  )
  const late = prepared.variants.flatMap((variant) => {
    const found = isDecidedLate(variant) ? variants.get(variant.name) : undefined
    return found ? [found] : []
  })
  const all = [...states.values()]
  return {
    calibration: states.get('calibration') as HiddenStates,
    evaluation: concatRows(prepared.evaluation.map((text) => text.rows)),
    full: stream('evaluation.full', 'full'),
    quantized: collect(
      'quantizer',
      [...prepared.quantizers.keys()].map((key) => [key, key])
    ),
    variants,
    all,
    room,
    late,
    solved: all.filter((one) => !late.some(({ states: own }) => own === one))
  }
}

/** Bytes of a run's memory budget that its hidden states leave. */
export const memoryLeft = ({ recipe }: Pick<PreparedRun, 'recipe'>, { all }: Streams): number =>
  recipe.memoryBudget - all.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)

/** Bytes of the device's memory that the hidden states of evaluation rows leave, once the calibration rows left it. */
export const roomLeft = ({ room, all, calibration }: Streams): number =>
  room - all.filter((states) => states !== calibration).reduce((sum, { deviceBytes }) => sum + deviceBytes, 0)

/** Every stream of evaluation rows. */
export const evaluationStreams = ({ full, quantized, variants }: Streams): EvaluationStream[] =>
  [full, ...quantized.values(), ...variants.values()].filter((stream) => stream !== undefined)

/** Takes up streams where the last finished block left them; false when anything is missing or damaged. */
export async function restoreStreams(streams: readonly HiddenStates[], spool: readonly SpoolEntry[]): Promise<boolean> {
  const files = new Map(spool.map((file) => [file.stream, file]))
  for (const states of streams) {
    const file = files.get(states.shape.stream)
    if (file === undefined || !(await states.restore(file))) return false
  }
  return true
}

/** Removes files of these streams that no finished block names: what a killed process was writing. */
export async function sweepSpool(
  folder: string,
  streams: readonly HiddenStates[],
  keep: readonly SpoolEntry[]
): Promise<void> {
  const names = new Set(keep.map(({ file }) => file))
  for (const file of await readdir(folder)) {
    const own = streams.some((states) => states.owns(file))
    if (own && !names.has(file)) await rm(join(folder, file), { force: true })
  }
}
