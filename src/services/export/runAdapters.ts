import { badInput } from '../../shared/errors'
import type { QuantizerSpec } from '../../shared/recipe'
import { variantNames } from '../../shared/recipe'
import { STATUS_SENTENCES } from '../../shared/runWords'
import { listArtifacts } from '../../store/artifacts'
import { getRun } from '../runService'
import type { Services } from '../services'

/** One exported variant of a run, with what its recipe asked for. */
export interface RunAdapter {
  readonly run: string
  readonly variant: string
  /** What the trainer loads: the pre-quantized base where the run has one, else the checkpoint. */
  readonly model: string
  readonly adapter: string
  readonly quantizer: QuantizerSpec
  /** SHA-256 of the weights as the run wrote them; null when it is not known any more. */
  readonly sha256: string | null
}

/**
 * The adapter of one variant; without a name that of the only one.
 *
 * @throws {AppError} BAD_INPUT when there is no such run or variant, or it has no adapter yet
 */
export async function runAdapter(services: Services, id: string, variant?: string): Promise<RunAdapter> {
  const run = await getRun(services, id)
  const names = run.variants.map(({ name }) => name)
  if (variant === undefined && names.length > 1) {
    throw badInput(`run ${run.id} has several variants; give one of ${names.join(', ')}`)
  }
  const found = run.variants.find(({ name }) => name === (variant ?? names[0]))
  if (found === undefined) throw badInput(`run ${run.id} has no variant "${variant}"; it has ${names.join(', ')}`)
  if (found.adapter === null)
    throw badInput(`run ${run.id} ${STATUS_SENTENCES[run.status]}: ${found.name} has no adapter yet`)
  const { recipe } = run.record
  const spec = recipe.variants[variantNames(recipe.variants).indexOf(found.name)]
  if (spec === undefined) throw badInput(`the recipe of run ${run.id} has no variant "${found.name}"`)
  const artifacts = await listArtifacts(services.store, run.id)
  const sha256 = artifacts.find((artifact) => artifact.variant === found.name)?.sha256 ?? null
  return {
    run: run.id,
    variant: found.name,
    model: recipe.base ?? run.model,
    adapter: found.adapter,
    quantizer: spec.quantizer,
    sha256
  }
}
