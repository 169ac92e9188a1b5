import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { recipeYaml } from '../services/recipeText'
import { getRun } from '../services/runService'
import type { LayerRow, ProofVariant, proofCalls, RunProof } from '../shared/contract/proof'
import { rankForGain } from '../shared/proof'
import { scalingOf } from '../shared/recipe'
import { DeviceFailure, type Perplexities, type RunEvent } from '../shared/runEvents'
import { type Artifact, listArtifacts } from '../store/artifacts'
import { readLayerFigures, readLayerResults } from '../store/layerResults'
import { readEventsOf } from '../store/runEvents'
import type { StoredRun } from '../store/runQueries'
import type { WorkbenchContext } from './context'
import type { HandlersOf } from './handler'
import { runEntry } from './runEntries'

/** What the page of one run shows: the run with its proof, its layers, one layer whole. */
export const proofHandlers = ({ services }: WorkbenchContext): HandlersOf<typeof proofCalls> => ({
  async 'proof.run'({ id }) {
    const { store } = services
    const run = await getRun(services, id)
    const [artifacts, stored] = await Promise.all([
      listArtifacts(store, run.id),
      readEventsOf(store, run.id, ['planned', 'blockFinished', 'evaluated', 'warning'])
    ])
    const { record, perplexity } = run
    const events = stored.map(({ event }) => event)
    return {
      ...(await runEntry(store, run)),
      recipe: record.recipe,
      recipeText: recipeYaml(record.recipe),
      calibration: record.calibration,
      evaluation: record.evaluation,
      variants: variantsOf(run, artifacts),
      perplexity: { ...evaluated(events), ...perplexity },
      ...workOf(events),
      ...(record.sweep && { sweep: { id: record.sweep.definition.id, name: record.sweep.definition.name } }),
      ...(await factsIn(artifacts, record.quailVersion))
    }
  },

  async 'proof.layers'({ id }) {
    const run = await getRun(services, id)
    const ranks = new Map(run.variants.map(({ name, rank }) => [name, rank]))
    return (await readLayerFigures(services.store, run.id)).map(
      ({ variant, block, result: { eigenvalues, ...figures } }): LayerRow => ({
        ...figures,
        variant,
        block,
        rankFor90: rankForGain({ eigenvalues }, figures.rank ?? ranks.get(variant) ?? eigenvalues.length)
      })
    )
  },

  async 'proof.layer'({ id, layer }) {
    return readLayerResults(services.store, (await getRun(services, id)).id, { layers: [layer] })
  }
})

function variantsOf({ variants, record }: Pick<StoredRun, 'variants' | 'record'>, artifacts: readonly Artifact[]) {
  return variants.map(
    ({ name, method, rank, quantizer, adapter, refinement, ranks: choice, acceptance }, i): ProofVariant => {
      const written = artifacts.find(({ variant }) => variant === name)
      const spec = record.recipe.variants[i]
      return {
        name,
        method,
        rank,
        quantizer,
        scaling: spec === undefined ? Number.NaN : scalingOf(spec),
        refined: spec?.refine !== undefined,
        refinement: refinement ?? null,
        ranks: choice ?? null,
        acceptance: acceptance ?? null,
        adapter: adapter ?? written?.path ?? null,
        bytes: written?.bytes ?? null,
        sha256: written?.sha256 ?? null
      }
    }
  )
}

const warningOf = ({
  code,
  message,
  severity
}: Extract<RunEvent, { type: 'warning' }>): RunProof['warnings'][number] => ({
  code,
  message,
  ...(severity && { severity })
})

/** The perplexities that were measured before the run ended, and so stand in its events only. */
const evaluated = (events: readonly RunEvent[]): Record<string, Perplexities> =>
  Object.fromEntries(events.flatMap((event) => (event.type === 'evaluated' ? [[event.file, event.perplexity]] : [])))

function workOf(events: readonly RunEvent[]): Pick<RunProof, 'planned' | 'blocksDone' | 'warnings'> {
  const planned = events.findLast((event) => event.type === 'planned')
  const blocks = events.filter((event) => event.type === 'blockFinished')
  const warnings = events.filter((event) => event.type === 'warning')
  return {
    planned: planned ?? null,
    // A run whose spool did not match begins again: what counts is where the last attempt began, and what it did since.
    blocksDone:
      planned === undefined ? 0 : planned.resumedBlocks + blocks.filter((b) => isAfter(b, planned, events)).length,
    warnings: [...new Map(warnings.map((event) => [event.message, warningOf(event)])).values()]
  }
}

const isAfter = (event: RunEvent, other: RunEvent, events: readonly RunEvent[]): boolean =>
  events.indexOf(event) > events.indexOf(other)

const Facts = z.object({
  versions: z.object({ onnxruntime: z.string(), node: z.string() }),
  recipe: z.object({ deviceFailure: DeviceFailure.optional() }).optional()
})

/** With what and where a run was computed, as the first of its adapters that is still there tells. */
async function factsIn(
  artifacts: readonly Artifact[],
  quail: string
): Promise<Pick<RunProof, 'versions' | 'deviceFailure'>> {
  for (const { path } of artifacts) {
    const text = await readFile(join(path, 'quail.json'), 'utf8').catch(() => undefined)
    if (text === undefined) continue
    try {
      const { versions, recipe } = Facts.parse(JSON.parse(text))
      return { versions: { quail, ...versions }, deviceFailure: recipe?.deviceFailure }
    } catch {
      // Not ours any more: somebody else's file lies there now.
    }
  }
  return { versions: { quail } }
}
