import type { EngineApi, PlanRequest, PreflightRequest } from '../../shared/engineApi'
import { AppError } from '../../shared/errors'
import { type Finding, leaveOut, type Severity } from '../../shared/findings'
import type { Cost, Plan, PlannedVariant, Preflight, Speed } from '../../shared/plan'
import type { OnProgress } from '../../shared/progress'
import { rankBounds } from '../../shared/rankBudget'
import type { Recipe } from '../../shared/recipe'
import { heldOutRows, rowsOfStep } from '../../shared/refinement'
import { coverage } from '../calibration/coverage'
import { countParameters } from '../formats/tensorInfo'
import { DeviceError } from '../graph/session'
import { skippedModules } from '../models/architecture'
import { loadedDtype } from '../models/modelTensors'
import { lastNames } from '../models/targets'
import type { PreparedRun, PreparedVariant } from '../prepare/preparedRun'
import { prepareRun } from '../prepare/prepareRun'
import type { Problem } from '../prepare/problems'
import { sameTexts } from '../prepare/textWarnings'
import { runWarnings } from '../prepare/warnings'
import { adapterParameters, neededDisk } from './disk'
import { costOf, withVariants } from './estimate'
import { keptMoments } from './keptMoments'
import { measureDevice } from './measureDevice'
import { resourceFindings } from './resources'

/** Speed that is assumed when nothing is measured, flops per second. */
const ASSUMED_SPEED: Speed = { flopsPerSecond: 1e11, measured: false }

/**
 * What a run of this recipe would do and need. Headers, tokenizer and texts are read; no weight is.
 *
 * @throws {AppError} as the run itself would, before anything is computed
 */
export async function planRun(
  { measure, ...request }: EngineApi['plan']['input'],
  signal: AbortSignal = new AbortController().signal
): Promise<Plan> {
  const { recipe, calibration, evaluation } = request
  const prepared = await prepareRun(recipe, { calibration, evaluation }, '.', { signal })
  try {
    const speed = measure ? await measuredSpeed(recipe, signal) : ASSUMED_SPEED
    return await planOf(prepared, request, speed, [])
  } finally {
    await prepared.release()
  }
}

/** A plan is waited for: a short measurement will do. */
const MEASURE_MS = 400

/** Of the recipe's device, or of the processor where that is missing and the run would go on there. */
async function measuredSpeed({ device, onDeviceFailure }: Recipe, signal: AbortSignal): Promise<Speed> {
  const { gflops } = await measureDevice(device, signal, MEASURE_MS).catch((error: unknown) => {
    if (device === 'cpu' || onDeviceFailure === 'stop' || !(error instanceof DeviceError)) throw error
    return measureDevice('cpu', signal, MEASURE_MS)
  })
  return { flopsPerSecond: 1e9 * gflops, measured: true }
}

/** The same for a recipe in the making: whatever keeps it from running is among the findings instead of thrown. */
export async function preflight(request: PreflightRequest, onProgress?: OnProgress): Promise<Preflight> {
  const { recipe, calibration, evaluation, flopsPerSecond, alternatives = {}, guess = false } = request
  const speed = flopsPerSecond === undefined ? ASSUMED_SPEED : { flopsPerSecond, measured: true }
  const errors: Finding[] = []
  const report = (problem: Problem): void => void errors.push({ ...problem, severity: 'error' })
  let prepared: PreparedRun
  try {
    prepared = await prepareRun(recipe, { calibration, evaluation }, '.', { report, guess, onProgress })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    report({ code: 'MODEL', subject: 'model', message: error.message })
    return { findings: errors, alternatives: {} }
  }
  try {
    // Guessed tokens are those of no run.
    const plan = await planOf(prepared, guess ? { ...request, moments: undefined } : request, speed, errors)
    const costs = Object.entries(alternatives).map(([key, variants]): [string, Cost] => {
      const { flops: _, ...cost } = costOf(withVariants(prepared, variants), speed)
      return [key, cost]
    })
    return { findings: plan.findings, plan, alternatives: Object.fromEntries(costs) }
  } finally {
    await prepared.release()
  }
}

async function planOf(
  opened: PreparedRun,
  { folders, moments, ...texts }: PlanRequest,
  speed: Speed,
  errors: readonly Finding[]
): Promise<Plan> {
  const prepared = { ...opened, keptMoments: (await keptMoments(opened, moments, neededDisk(opened)))?.kept }
  const { recipe, calibration, evaluation, linears, quantizers, variants } = prepared
  const cost = costOf(prepared, speed)
  const findings = [
    ...errors,
    ...runWarnings(prepared, texts),
    ...sameTextFindings(texts),
    ...(await resourceFindings(recipe, cost, folders))
  ]
  return {
    model: describeModel(prepared),
    quantized: {
      linears: linears.length,
      parameters: linears.reduce((sum, l) => sum + l.inFeatures * l.outFeatures, 0),
      quantizers: [...quantizers.values()]
    },
    targetNames: countNames(linears.map(({ path }) => path)),
    calibration: { rows: calibration.rows, tokens: calibration.tokenCount },
    ...(prepared.keptMoments && { moments: prepared.keptMoments }),
    evaluation: {
      rows: evaluation.reduce((sum, { rows }) => sum + rows.rows, 0),
      tokens: evaluation.reduce((sum, { rows }) => sum + rows.tokenCount, 0)
    },
    coverage: evaluation.flatMap(({ name, rows }) => {
      const share = coverage(calibration, rows)
      return share === undefined ? [] : [{ text: name, share, atMost: recipe.calibration.enough !== undefined }]
    }),
    variants: variants.map((variant, i) => ({
      ...describeVariant(prepared, variant),
      ...refinementOf(prepared, i, (other) => cost.seconds - costOf(other, speed).seconds),
      extraSeconds: cost.seconds - costOf(without(prepared, i), speed).seconds
    })),
    ...cost,
    speed,
    findings: worstFirst(findings)
  }
}

const without = (prepared: PreparedRun, index: number): PreparedRun =>
  withVariants(
    prepared,
    prepared.recipe.variants.filter((_, i) => i !== index)
  )

/** What the refinement of a variant is; `saved` says how many seconds a run without it takes less. */
function refinementOf(
  prepared: PreparedRun,
  index: number,
  saved: (other: PreparedRun) => number
): Pick<PlannedVariant, 'refinement'> {
  const { variants } = prepared.recipe
  const refine = variants[index]?.refine
  if (refine === undefined) return {}
  const { rows } = prepared.calibration
  const heldOut = heldOutRows(rows)
  const unrefined = variants.map(({ refine: own, ...variant }, i) =>
    i === index || own === undefined ? variant : { ...variant, refine: own }
  )
  return {
    refinement: {
      steps: refine.steps,
      batch: rowsOfStep(refine.batch, rows),
      rows: rows - heldOut,
      heldOutRows: heldOut,
      seconds: saved(withVariants(prepared, unrefined))
    }
  }
}

function countNames(paths: readonly string[]): Plan['targetNames'] {
  return lastNames(paths).map((name) => ({ name, linears: paths.filter((path) => path.endsWith(`.${name}`)).length }))
}

function describeModel({ checkpoint, architecture, weights, parts, base }: PreparedRun): Plan['model'] {
  const skipModules = base === undefined ? skippedModules(architecture) : undefined
  const { dtypes } = countParameters([...checkpoint.tensors.values()])
  return {
    directory: checkpoint.directory,
    family: architecture.family,
    ...(architecture.tower && { tower: architecture.tower }),
    ...(skipModules && { skipModules }),
    parameters: checkpoint.parameters,
    bytes: checkpoint.bytes,
    dtypes: Object.keys(dtypes).sort((a, b) => (dtypes[b] as number) - (dtypes[a] as number)),
    loadedAs: loadedDtype(weights, parts),
    blocks: architecture.blocks,
    hiddenSize: architecture.hiddenSize,
    vocabularySize: architecture.vocabularySize
  }
}

const describeVariant = (prepared: PreparedRun, variant: PreparedVariant): Omit<PlannedVariant, 'extraSeconds'> => ({
  name: variant.name,
  method: variant.spec.method,
  rank: variant.spec.rank,
  scaling: variant.scaling,
  quantizer: variant.quantizer,
  linears: variant.targets.size,
  parameters: adapterParameters(prepared, variant),
  ...(variant.spec.rankBudget && { ranks: rankBounds(variant.spec.rank, variant.spec.rankBudget) })
})

/** A text that serves both purposes says nothing about other texts. */
const sameTextFindings = (request: PlanRequest): Finding[] =>
  sameTexts(request).map(({ name, path }) => ({
    code: 'SAME_TEXT',
    severity: 'warning',
    subject: 'texts',
    message: `${name} is calibrated on and evaluated on: its perplexity will look better than that of new text`,
    fix: leaveOut(request.recipe, 'evaluation', path)
  }))

const ORDER: readonly Severity[] = ['error', 'warning', 'info']

const worstFirst = (findings: readonly Finding[]): Finding[] =>
  ORDER.flatMap((severity) => findings.filter((finding) => finding.severity === severity))
