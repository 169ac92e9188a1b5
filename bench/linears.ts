import { existsSync } from 'node:fs'
import { childOutput } from './childOutput'
import { PYTHON } from './solver'
import { median } from './statistics'

/** Seconds of wall time, and of all processors together. */
export interface Spent {
  readonly wall: number
  readonly cpu: number
}

export interface LinearTimes {
  /** From E and H to factors as stored. */
  readonly factors: Spent
  /** With the losses and the certificate, as a run wants them. */
  readonly whole: Spent
  /** tr(R H Rᵀ) as a share of what it is without adapter. */
  readonly loss: number
  readonly certificate: number
}

type Other = Spent & { readonly loss: number }
export const OTHERS = ['loftq1', 'loftq5', 'numpy'] as const
export type OtherName = (typeof OTHERS)[number]
export type Others = Readonly<Partial<Record<OtherName, Other>>>

export interface LinearResult {
  readonly shape: readonly [number, number]
  readonly method: LinearMethod
  readonly now: LinearTimes
  /** Missing where the repository does not hold that commit. */
  readonly earlier?: LinearTimes
  /** Missing without the Python environment, and for shapes that would take it too long. */
  readonly others?: Others
}

export const LINEAR_METHODS = ['quailora', 'exact'] as const
export type LinearMethod = (typeof LINEAR_METHODS)[number]
export const LINEAR_RANK = 64
const CHILD = 'oneLinear.js'
const NOW = 'out/bench'
const EARLIER = 'out/bench-earlier-solver'

interface Shape {
  readonly out: number
  readonly into: number
  /** In turn with the earlier commit; the medians count. */
  readonly rounds: number
  /** Five steps of LoftQ and NumPy's decompositions take minutes from 4096 on. */
  readonly others: readonly OtherName[]
}

const SHAPES: readonly Shape[] = [
  { out: 2048, into: 2048, rounds: 2, others: OTHERS },
  { out: 4096, into: 4096, rounds: 1, others: ['loftq1'] },
  { out: 11008, into: 4096, rounds: 1, others: [] },
  { out: 4096, into: 11008, rounds: 1, others: [] }
]
const QUICK: readonly Shape[] = [{ out: 512, into: 384, rounds: 1, others: OTHERS }]

/** Solves linears of large models with this tree and with the earlier commit, in turn, each in a process of its own. */
export async function solveLinears(quick: boolean, folder: string): Promise<LinearResult[]> {
  const results: LinearResult[] = []
  for (const shape of quick ? QUICK : SHAPES) {
    const found: LinearResult[] = []
    for (const method of LINEAR_METHODS) found.push(await inTurn(shape, method))
    const others = shape.others.length > 0 && existsSync(PYTHON) ? await otherTimes(shape, folder) : undefined
    results.push(...found.map((result) => (others === undefined ? result : { ...result, others })))
  }
  return results
}

async function inTurn({ out, into, rounds }: Shape, method: LinearMethod): Promise<LinearResult> {
  const built = existsSync(`${EARLIER}/${CHILD}`)
  const [now, earlier]: [LinearTimes[], LinearTimes[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    if (built) earlier.push(await child(EARLIER, out, into, method))
    now.push(await child(NOW, out, into, method))
  }
  return { shape: [out, into], method, now: middle(now), ...(built && { earlier: middle(earlier) }) }
}

/** In a fresh process; of the smaller, the second of two solutions, since the first one compiles graphs and loops. */
async function child(tree: string, out: number, into: number, method: LinearMethod): Promise<LinearTimes> {
  const rounds = out * into > 2048 ** 2 ? 1 : 2
  const args = [out, into, LINEAR_RANK, method, rounds].map(String)
  const reports = JSON.parse(await childOutput(process.execPath, [`${tree}/${CHILD}`, ...args])) as LinearTimes[]
  return reports.at(-1) as LinearTimes
}

function middle(times: readonly LinearTimes[]): LinearTimes {
  const spent = (part: 'factors' | 'whole'): Spent => ({
    wall: median(times.map((one) => one[part].wall)),
    cpu: median(times.map((one) => one[part].cpu))
  })
  return { ...(times[0] as LinearTimes), factors: spent('factors'), whole: spent('whole') }
}

async function otherTimes({ out, into, others }: Shape, folder: string): Promise<Others> {
  const sizes = [out, into, LINEAR_RANK].map(String)
  await childOutput(process.execPath, [`${NOW}/${CHILD}`, ...sizes, 'exact', '0', folder])
  return JSON.parse(await childOutput(PYTHON, ['bench/linears.py', folder, ...sizes, ...others])) as Others
}
