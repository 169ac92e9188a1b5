import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { CALIBRATION_TEXT } from './benchRecord'
import { childOutput } from './childOutput'
import { FORWARD_METHODS } from './forwardMethods'
import { makeCheckpoint } from './makeCheckpoint'
import { type MeasuredRun, WHOLE_RUN } from './measureRun'
import { BOTH, COLUMNS, measured, type Runs, ratioVerdict, row, shareVerdict } from './oneAndAll'
import type { BenchOptions, Section, Verdict } from './section'
import { PYTHON } from './solver'
import { duration, median } from './statistics'

const SHAPE = { hidden: 2048, intermediate: 5632, heads: 32, keyValueHeads: 4, vocabulary: 4096 }
const QUICK = { ...SHAPE, hidden: 256, intermediate: 704, heads: 4 }
/** The same program at the commit before runs were made faster on the processor; see run.mjs. */
const EARLIER = resolve('out/bench-earlier-run/wholeRun.js')
const EARLIER_COMMIT = '6336783'
/** Against the same job written plainly with torch. */
const LEAST_SPEED = 5
const RANK = 64
const CONTEXT = 256
const NOW = 'now'

/** The seconds of bench/plain.py beside those of a run's blocks phase. */
type Plain = readonly (readonly [plain: number, ours: number])[]

/**
 * A run over one large block with one variant and with all methods, now and at an earlier commit, and what a user would
 * write instead, in turn.
 */
export async function measureBlock({ quick, folder }: BenchOptions): Promise<Section> {
  const sizes = await sizesOf(quick, folder, 1)
  const programs = new Map([[NOW, WHOLE_RUN]])
  if (existsSync(EARLIER)) programs.set(`at ${EARLIER_COMMIT}`, EARLIER)
  const found = new Map([...programs.keys()].map((name): [string, Runs] => [name, { one: [], all: [] }]))
  const plain: [number, number][] = []
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    for (const which of BOTH) {
      for (const [name, program] of programs) {
        await measured(found.get(name) as Runs, which, name, join(folder, 'run'), sizes, program)
      }
    }
    if (existsSync(PYTHON)) {
      plain.push([
        await plainSeconds(sizes.model, sizes.calibrationRows),
        blocksSeconds(found.get(NOW)?.one.at(-1) as MeasuredRun)
      ])
      console.error(`  plain torch: ${plain.at(-1)?.map(duration).join(', of ours ')}`)
    }
  }
  await rm(sizes.model, { recursive: true })
  return section(found, plain)
}

/** The same over several blocks, of which each has what a run pays once for a part of its own. */
export async function measureBlocks({ quick, folder }: BenchOptions): Promise<Section> {
  const sizes = await sizesOf(quick, folder, BLOCKS)
  const runs: Runs = { one: [], all: [] }
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    for (const which of BOTH) await measured(runs, which, NOW, join(folder, 'run'), sizes)
  }
  await rm(sizes.model, { recursive: true })
  return {
    title: 'Four blocks of a large model',
    text: [
      `The runs of the section above over ${BLOCKS} such blocks. Starting, reading the texts and the checkpoint, and what the first ` +
        'block waits for are paid once a run: over one block they are a fifth of it, over those of a whole model nearly nothing.'
    ],
    columns: COLUMNS,
    rows: BOTH.map((which) => row(which, NOW, runs[which])),
    verdicts: [shareVerdict(runs), ratioVerdict(new Map([[NOW, runs]]))]
  }
}

const BLOCKS = 4

/** Writes the checkpoint, and says of what sizes its runs are. */
async function sizesOf(quick: boolean, folder: string, blocks: number) {
  const model = join(folder, 'block')
  await makeCheckpoint(model, { ...(quick ? QUICK : SHAPE), blocks })
  return { model, context: CONTEXT, calibrationRows: quick ? 8 : 32, evaluationRows: quick ? 2 : 8, rank: RANK }
}

const blocksSeconds = ({ phases }: MeasuredRun): number =>
  phases.find(({ phase }) => phase === 'blocks')?.seconds as number

async function plainSeconds(model: string, rows: number): Promise<number> {
  const args = ['bench/plain.py', model, CALIBRATION_TEXT, ...[rows, CONTEXT, RANK].map(String)]
  return (JSON.parse(await childOutput(PYTHON, args)) as { seconds: number }).seconds
}

function section(found: ReadonlyMap<string, Runs>, plain: Plain): Section {
  return {
    title: 'One block of a large model',
    text: [
      'A whole run over a LLaMA-shaped checkpoint of one block (hidden 2,048, intermediate 5,632, 32 heads over 4) with random ' +
        'weights, 8,192 calibration and 2,048 evaluation tokens, rank 64: with `quailora` alone, and with all ' +
        `${FORWARD_METHODS.length} methods that need nothing but the pass forward; in turn with commit ${EARLIER_COMMIT} (November 2026), which is built aside. Medians. ` +
        'Processor time is that of all threads; wall time is what other programs leave of the machine, and so is the share ' +
        'of it inside onnxruntime, which is larger on a busy machine.',
      ...(plain.length > 0 ? [plainText(plain)] : [])
    ],
    columns: COLUMNS,
    rows: BOTH.flatMap((which) => [...found].map(([name, runs]) => row(which, name, runs[which]))),
    verdicts: [
      shareVerdict(found.get(NOW) as Runs),
      ratioVerdict(found),
      ...(plain.length > 0 ? [plainVerdict(plain)] : [])
    ]
  }
}

const plainText = (plain: Plain): string =>
  '`bench/plain.py` is what a user would write instead, with transformers and torch: the same rows forward with hooks, second ' +
  'moments in float64, NF4, an SVD of the error and 20 alternations, nothing evaluated. Without loading the model it took ' +
  `${duration(median(plain.map(([seconds]) => seconds)))}; the blocks phase of the run with \`quailora\`, which also carries ` +
  `the evaluation rows on, took ${duration(median(plain.map(([, seconds]) => seconds)))}.`

function plainVerdict(plain: Plain): Verdict {
  const quotient = median(plain.map(([theirs, ours]) => theirs / ours))
  return {
    what: 'plain torch / blocks phase with `quailora`',
    limit: `at least ${LEAST_SPEED}`,
    measured: quotient.toFixed(1),
    met: quotient >= LEAST_SPEED
  }
}
