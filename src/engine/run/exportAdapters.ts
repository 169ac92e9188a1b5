import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { AppError, badInput } from '../../shared/errors'
import { baseModelReference } from '../../shared/modelName'
import type { RunEventDraft, VariantResult } from '../../shared/runEvents'
import {
  acceptedVariants,
  chosenRanks,
  type JournalEntry,
  type RunRecord,
  refinedVariants,
  solvedBlocks
} from '../../shared/runFolder'
import { sha256File } from '../formats/files'
import {
  ADAPTER_WEIGHTS_FILE,
  adapterConfig,
  renewAdapterTexts,
  type WrittenAdapter,
  writeAdapterDirectory
} from '../formats/peftAdapter'
import { encodeSafetensors } from '../formats/safetensorsWriter'
import type { PreparedRun, PreparedVariant } from '../prepare/preparedRun'
import { keptFactors, readFactors } from './factorFiles'
import { layerFigures } from './layerFigures'
import { modelCard } from './modelCard'
import { type Proof, proofOf, type ResultsOfRun } from './proof'

/** Where a variant's adapter goes: a directory inside `out`, or `out` itself when the recipe has one variant. */
export const adapterDirectory = (record: RunRecord, variant: string): string =>
  record.outIsAdapter ? record.out : join(record.out, variant)

/**
 * Writes one PEFT adapter directory per variant.
 *
 * A directory that an earlier process of the same run completed is recognised by its weights' digest and kept; what lies
 * beside the weights there is written anew where it says something else, as of a start before the recipe was changed.
 *
 * @throws {AppError} IO when something else lies where an adapter should go
 */
export async function* exportAdapters(
  folder: string,
  record: RunRecord,
  prepared: PreparedRun,
  journal: readonly JournalEntry[],
  results: ResultsOfRun
): AsyncGenerator<RunEventDraft, VariantResult[]> {
  yield { type: 'phaseStarted', phase: 'exporting', total: prepared.variants.length, unit: 'adapters' }
  const exported: VariantResult[] = []
  const blocks = solvedBlocks(journal)
  const refined = refinedVariants(journal)
  const chosen = chosenRanks(journal)
  const accepted = acceptedVariants(journal)
  for (const [i, variant] of prepared.variants.entries()) {
    const layers = layerFigures(journal, variant.name)
    const ranks = chosen.get(variant.name)
    const acceptance = accepted.get(variant.name)?.result
    const refinement = refined.get(variant.name)?.result
    const proof = proofOf(record, prepared, variant, blocks, layers, {
      ...results,
      refinement,
      ranks,
      acceptance
    })
    const path = adapterDirectory(record, variant.name)
    const written = await exportAdapter(folder, path, prepared, variant, journal, proof).catch(throwTaken)
    yield { type: 'artifactWritten', variant: variant.name, ...written }
    yield { type: 'phaseProgress', phase: 'exporting', done: i + 1, total: prepared.variants.length }
    const { spec, quantizer, name } = variant
    const told = { name, method: spec.method, rank: spec.rank, quantizer, adapter: path, layers }
    exported.push({
      ...told,
      ...(refinement && { refinement }),
      ...(ranks && { ranks }),
      ...(acceptance && { acceptance })
    })
  }
  return exported
}

/** The place was free when the run began: whoever filled it since does not make the run bad input, which goes on elsewhere. */
function throwTaken(error: unknown): never {
  if (!(error instanceof AppError) || error.code !== 'BAD_INPUT') throw error
  throw new AppError('IO', error.message, { cause: error })
}

async function exportAdapter(
  folder: string,
  path: string,
  prepared: PreparedRun,
  variant: PreparedVariant,
  journal: readonly JournalEntry[],
  proof: Proof
): Promise<WrittenAdapter> {
  const tensors = await readFactors(folder, keptFactors(journal, variant.name))
  if (tensors.length === 0) throw new AppError('INTERNAL', `${folder}: no factors of variant ${variant.name}`)
  const { rank, alpha, rslora } = variant.spec
  const targetModules = targetNames(prepared, variant)
  const baseModel = baseModelReference((prepared.base?.checkpoint ?? prepared.checkpoint).directory)
  const content = {
    config: adapterConfig({ rank, alpha, rslora, targetModules, baseModel, ranks: ownRanks(proof) }),
    tensors,
    extra: { 'quail.json': `${JSON.stringify(proof, null, 2)}\n`, 'README.md': modelCard(proof) }
  }
  const present = await presentAdapter(path, tensors)
  if (present === undefined) return writeAdapterDirectory(path, content)
  await renewAdapterTexts(path, content)
  return present
}

/** Ranks by path, of the linears that have another than the variant. */
const ownRanks = ({ layers, variant }: Proof): [path: string, rank: number][] =>
  layers.flatMap(({ name, rank }) => (rank === undefined || rank === variant.rank ? [] : [[name, rank]]))

/** The adapter that already lies there, if its weights are byte for byte those to be written. */
async function presentAdapter(
  path: string,
  tensors: Parameters<typeof encodeSafetensors>[0]
): Promise<WrittenAdapter | undefined> {
  const sha256 = await sha256File(join(path, ADAPTER_WEIGHTS_FILE)).catch(() => undefined)
  if (sha256 === undefined) return undefined
  const hash = createHash('sha256')
  let bytes = 0
  const { header, chunks } = encodeSafetensors(tensors)
  for (const chunk of [header, ...chunks]) {
    hash.update(chunk)
    bytes += chunk.length
  }
  if (hash.digest('hex') === sha256) return { path, bytes, sha256 }
  throw badInput(`${path} already holds another adapter; it is not overwritten, choose another output directory`)
}

/**
 * The shortest names that select exactly these linears: last names where they do, whole paths otherwise. The last names of a
 * text tower may be those of linears in other parts of the model too.
 */
function targetNames(prepared: PreparedRun, { targets }: PreparedVariant): string[] {
  if (prepared.architecture.tower !== undefined) return [...targets]
  const last = (path: string): string => path.slice(path.lastIndexOf('.') + 1)
  const short = [...new Set([...targets].map(last))]
  const selected = prepared.linears.filter(({ path }) => short.includes(last(path)))
  return selected.length === targets.size ? short : [...targets]
}
