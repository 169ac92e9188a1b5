import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type TensorData, writeSafetensors } from '../src/engine/formats/safetensorsWriter'
import { LinearAlgebra } from '../src/engine/graph/linearAlgebra'
import { type LoraFactors, projectionFactors, roundFactors } from '../src/engine/methods/factors'
import { layerError } from '../src/engine/methods/layerError'
import { LayerProblem } from '../src/engine/methods/layerProblem'
import { methodFor } from '../src/engine/methods/registry'
import { SecondMoment } from '../src/engine/methods/secondMoment'
import { difference } from '../src/engine/numerics/accumulate'
import type { Matrix32 } from '../src/engine/numerics/matrix'
import { quantizerFor } from '../src/engine/quantizers/registry'
import { QuantizerSpec } from '../src/shared/recipe'
import { childOutput } from './childOutput'
import type { BenchOptions } from './section'
import { sampleProblems } from './solverProblems'
import { median, secondsOf } from './statistics'
import { type SolverProblem, syntheticProblem } from './syntheticProblem'

export const SOLVER_METHODS = ['svd', 'quailora', 'exact'] as const
export type SolverMethod = (typeof SOLVER_METHODS)[number]
export const PYTHON = '.venv/bin/python'
const ALPHA = 16

export interface Solution {
  readonly seconds: number
  readonly loss: number
}

/** What came out for one problem at one rank; losses are tr(R H Rᵀ) with PEFT's scaling. */
export interface SolverResult {
  readonly problem: SolverProblem
  readonly rank: number
  readonly scaling: number
  readonly rank0: number
  readonly ours: Readonly<Record<SolverMethod, Solution>>
  /** Missing without the Python environment. */
  readonly others?: {
    readonly loftq1: Solution & { readonly lossUnscaled: number }
    readonly loftq5: Solution & { readonly lossUnscaled: number }
    readonly numpy: Solution
  }
}

type PythonReport = Record<
  string,
  { rank0: number } & Record<SolverMethod | 'numpy', Solution> &
    Record<'loftq1' | 'loftq5', Solution & { lossUnscaled: number }>
>

/** Solves every problem with our methods and, where the Python environment exists, with LoftQ and NumPy right after. */
export async function solveAll({ quick, folder }: BenchOptions): Promise<SolverResult[]> {
  const problems = quick
    ? (await sampleProblems(4)).slice(0, 1)
    : [...(await sampleProblems(64)), syntheticProblem(2816, 1024), syntheticProblem(1024, 4096)]
  const algebra = new LinearAlgebra('cpu')
  const results: SolverResult[] = []
  for (const problem of problems) {
    const rounds = problem.W.length > 2 ** 20 ? 3 : 7
    results.push(...(await solveProblem(algebra, problem, quick ? [16] : [16, 64], rounds, folder)))
  }
  await algebra.release()
  return results
}

interface OwnSolution extends Solution {
  readonly factors: LoraFactors
}
type OwnSolutions = Record<SolverMethod, OwnSolution>

async function solveProblem(
  algebra: LinearAlgebra,
  problem: SolverProblem,
  ranks: readonly number[],
  rounds: number,
  folder: string
): Promise<SolverResult[]> {
  const Q = quantized(problem)
  const E = { data: difference(problem.W, Q), rows: problem.outFeatures, cols: problem.inFeatures }
  const ours = new Map<number, OwnSolutions>()
  for (const rank of ranks) ours.set(rank, await solveOurs(algebra, problem, E, rank, rounds))
  const rank0 = await new LayerProblem(algebra, '', E, new SecondMoment(problem.H), { maxRank: 1, seed: 0 }).lossRank0()
  const report = existsSync(PYTHON) ? await runPython(problem, Q, ours, rounds, folder) : undefined
  return ranks.map((rank) => {
    const own = ours.get(rank) as OwnSolutions
    const common = { problem, rank, scaling: ALPHA / rank }
    const judged = report?.[rank]
    if (judged === undefined) return { ...common, rank0, ours: own }
    const asJudged = Object.fromEntries(
      SOLVER_METHODS.map((method) => [method, { seconds: own[method].seconds, loss: judged[method].loss }])
    ) as Record<SolverMethod, Solution>
    return { ...common, rank0: judged.rank0, ours: asJudged, others: judged }
  })
}

/** Without double quantization, which LoftQ does not know. */
function quantized({ W, inFeatures }: SolverProblem): Float32Array {
  const spec = QuantizerSpec.parse({ doubleQuantization: false })
  const quantizer = quantizerFor(spec)
  return quantizer.dequantize(quantizer.quantize(W, spec, inFeatures), W.length, spec)
}

/** Time from E and H to factors as stored, each time with nothing known before. */
async function solveOurs(
  algebra: LinearAlgebra,
  { H }: SolverProblem,
  E: Matrix32,
  rank: number,
  rounds: number
): Promise<OwnSolutions> {
  const solve = async (method: SolverMethod) => {
    const problem = new LayerProblem(algebra, 'bench', E, new SecondMoment(H), { maxRank: rank, seed: 0 })
    const U = await methodFor(method).basis(problem, { rank, iterations: 20 })
    const factors = await projectionFactors(problem, U, { rank, scaling: ALPHA / rank })
    return { problem, factors: roundFactors(factors, 'float32') }
  }
  const solutions = {} as OwnSolutions
  for (const method of SOLVER_METHODS) {
    const { problem, factors } = await solve(method) // the first one also compiles the graphs
    const seconds: number[] = []
    for (let round = 0; round < rounds; round++) seconds.push(await secondsOf(() => solve(method)))
    const { loss } = await layerError(problem, factors, ALPHA / rank)
    solutions[method] = { seconds: median(seconds), loss, factors }
  }
  return solutions
}

async function runPython(
  { W, H, outFeatures, inFeatures }: SolverProblem,
  Q: Float32Array,
  ours: ReadonlyMap<number, OwnSolutions>,
  rounds: number,
  folder: string
): Promise<PythonReport> {
  const file = join(folder, 'problem.safetensors')
  const matrix = (name: string, data: Float32Array | Float64Array, shape: readonly number[]): TensorData => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    return { name, dtype: data instanceof Float64Array ? 'F64' : 'F32', shape, data: bytes }
  }
  const factors = [...ours].flatMap(([rank, solutions]) =>
    SOLVER_METHODS.flatMap((method) => {
      const { loraA, loraB } = solutions[method].factors
      return [
        matrix(`${method}.${rank}.A`, loraA.data, [loraA.rows, loraA.cols]),
        matrix(`${method}.${rank}.B`, loraB.data, [loraB.rows, loraB.cols])
      ]
    })
  )
  const shape = [outFeatures, inFeatures]
  await writeSafetensors(file, [
    matrix('W', W, shape),
    matrix('Q', Q, shape),
    matrix('H', H.data, [H.rows, H.cols]),
    ...factors
  ])
  const settings = [...ours.keys()].map((rank) => `${rank},${ALPHA}`)
  const report = await childOutput(PYTHON, ['bench/solver.py', file, ...settings, '--rounds', `${rounds}`])
  await rm(file)
  return JSON.parse(report) as PythonReport
}
