import { stateSize } from '../models/architecture'
import { attentionBytes, maskBytes } from '../models/attention'
import { headBytes } from '../models/headRunner'
import type { PreparedRun } from '../prepare/preparedRun'
import { hiddenBytes, type StreamShape, streamShapes } from '../prepare/streamShapes'
import { bytesBesideFirst, linearsAtATime } from '../solve/threadCount'
import { curvatureNeeds } from './curvatureNeeds'
import { expertBytes } from './expertWork'
import { refinementNeeds } from './refinementNeeds'
import { refinementWorkBytes } from './refinementWork'

/** Process, runtime, graphs and the temporaries of one batch, before anything that grows with the model or the texts. */
const BASE_BYTES = 150 * 2 ** 20
/** Of a thread that solves linears: its own engine, with sessions and compiled code. */
const THREAD_BYTES = 50 * 2 ** 20
/** Of the process that tokenizes before anything is computed: itself, and for each byte of texts, up to so much, what lies about. */
const TOKENIZING_BYTES = 125 * 2 ** 20
const BYTES_PER_TEXT_BYTE = 14
const TEXT_BYTES = 170 * 2 ** 20
/** What the tokenizer takes for each byte that it gets at a time: strings, places and masks of every token. */
const TOKENIZER_BYTES = 138
/** Of memory that was given back before the peak, what is not used again: it lies in pieces. */
const LOST_SHARE = 1 / 4
/** Bytes a weight of the linear that is being solved: its E and Eᵀ, products with them, codes. */
const LINEAR_BYTES = 20

/** Of the masks of a graph: as they were made, as the graph was built, and once or twice in the runtime that took it. */
const MASK_COPIES = 3.5

/** Of each position and each set of weights while the head is read: four sums in float64, a token. */
const FIGURES_BYTES = 36

/** Linears that a run solves at a time. */
export const solvedAtATime = ({ linears, recipe }: PreparedRun): number =>
  linearsAtATime(linears, recipe.device, recipe.memoryBudget)

/**
 * Largest resident set, bytes: the process with its threads, and the larger of what the tokenizer and what the rest of the run
 * needs. What was given back before the peak is not all used again.
 */
export function peakMemoryBytes(prepared: PreparedRun): number {
  const threads = solvedAtATime(prepared)
  const lyingAbout = Math.min(TEXT_BYTES, BYTES_PER_TEXT_BYTE * prepared.textBytes)
  const tokenizing = TOKENIZING_BYTES + lyingAbout + TOKENIZER_BYTES * prepared.bytesInOnePiece
  const working = workingBytes(prepared)
  const process = BASE_BYTES + (threads > 1 ? threads * THREAD_BYTES : 0)
  return process + Math.max(tokenizing, working) + Math.round(LOST_SHARE * Math.min(tokenizing, working))
}

/**
 * One block's weights (full precision, quantized, and as much for what the runtime makes of them), its second moments in
 * float64 and float32, the error of one linear in both precisions and what those solved beside it take, one batch's
 * activations, one expert; or what the evaluation or a refinement works with; and hidden states and what refinements keep, up
 * to the budget; or what weighing the outputs takes, before all that. What attention takes stays beside all of it.
 */
export function workingBytes(prepared: PreparedRun): number {
  const { architecture, parts, recipe, linears } = prepared
  const perBlock = Array.from({ length: architecture.blocks }, (_, block) => {
    const weights = linears.filter((l) => l.block === block).reduce((sum, l) => sum + l.inFeatures * l.outFeatures, 0)
    const moments = parts.inputs(block).reduce((sum, n) => sum + n * n, 0)
    return 4 * weights * (2 + prepared.quantizers.size) + 16 * moments
  })
  const largest = Math.max(...linears.map((l) => l.inFeatures * l.outFeatures))
  const hidden = streamBytes(prepared)
  const beside = bytesBesideFirst(linears, solvedAtATime(prepared))
  const solving = Math.max(...perBlock) + LINEAR_BYTES * largest + beside + batchBytes(prepared) + expertBytes(prepared)
  const working = Math.max(solving, evaluationBytes(prepared), refinementWorkBytes(prepared)) + attentionOfRun(prepared)
  const inMemory = Math.min(hidden, recipe.memoryBudget)
  const kept = inMemory + refinementNeeds(prepared, recipe.memoryBudget - inMemory).memory
  const { workBytes, stateBytes } = curvatureNeeds(prepared) // before anything else is kept
  return Math.max(working + kept, workBytes + (stateBytes <= recipe.memoryBudget ? stateBytes : 0))
}

/** A tile of the head with its logits, under full precision and other weights, and the figures of each position. */
function evaluationBytes(prepared: PreparedRun): number {
  const [, ...streams] = streamShapes(prepared)
  const { architecture, recipe } = prepared
  const positions = Math.max(0, ...streams.map(({ rows }) => rows)) * recipe.context
  const atATime = largestBatch(streams) * recipe.context
  return streams.length === 0 ? 0 : headBytes(architecture, atATime) + FIGURES_BYTES * positions * streams.length
}

/** Rows of the largest batch of some streams. */
const largestBatch = (streams: readonly StreamShape[]): number =>
  streams.reduce((most, { ranges }) => ranges.reduce((rows, [begin, end]) => Math.max(rows, end - begin), most), 0)

/** Activations of one batch in a block: about the inputs of all its linears, twice. */
function batchBytes(prepared: PreparedRun): number {
  const tokens = largestBatch(streamShapes(prepared)) * prepared.recipe.context
  return 2 * 4 * tokens * prepared.parts.inputs(0).reduce((sum, n) => sum + n, 0)
}

/** What grows with the square of the context: scores of one batch, and the masks in each of the graphs of blocks. */
function attentionOfRun(prepared: PreparedRun): number {
  const { architecture, parts, recipe, evaluation, variants } = prepared
  const { context } = recipe
  const blocks = Array.from({ length: architecture.blocks }, (_, block) => block)
  const heads = Math.max(0, ...blocks.map((block) => parts.attentionHeads(block)))
  // One gives second moments; the evaluation has one without adapters and one with.
  const adapted = new Set(variants.map(({ targets }) => [...targets].join())).size
  const graphs = 1 + (evaluation.length === 0 ? 0 : 1 + adapted)
  return (
    attentionBytes(heads, context, largestBatch(streamShapes(prepared))) +
    MASK_COPIES * graphs * maskBytes(heads, context)
  )
}

/** Hidden states of all streams, bytes. */
export const streamBytes = (prepared: PreparedRun): number =>
  streamShapes(prepared).reduce(
    (sum, { rows }) =>
      sum + hiddenBytes({ rows, context: prepared.recipe.context, width: stateSize(prepared.architecture) }),
    0
  )
