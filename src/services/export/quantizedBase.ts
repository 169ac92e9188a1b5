import type { CallOptions } from '../../engine/worker/engineThread'
import type { BaseExport } from '../../shared/baseExport'
import { badInput } from '../../shared/errors'
import { FOUR_BIT_FORMATS } from '../../shared/quantizers'
import type { FourBitSpec, QuantizerSpec } from '../../shared/recipe'
import { torchDtype } from '../../shared/torchDtypes'
import { checkOutDirectory } from '../outDirectory'
import type { Services } from '../services'
import type { AdapterFacts } from './adapterFacts'
import type { RunAdapter } from './runAdapters'

/** Bytes of one weight file, as transformers divides them. */
const MAX_SHARD_BYTES = 5e9

const isFourBit = (spec: QuantizerSpec): spec is FourBitSpec =>
  (FOUR_BIT_FORMATS as readonly string[]).includes(spec.format)

/** Why the base of an adapter cannot be written as a quantized checkpoint; null where it can. */
export function whyNoBase({ quantizer }: Pick<RunAdapter, 'quantizer'>, { fingerprint }: AdapterFacts): string | null {
  if (fingerprint?.base !== undefined) return 'the base is a pre-quantized checkpoint already'
  if (!isFourBit(quantizer)) return `only ${FOUR_BIT_FORMATS.join(' and ')} are written as checkpoints of their own`
  return null
}

/**
 * Writes the base that an adapter was made for as a pre-quantized checkpoint: the same codes and scales, in the dtype that
 * its trainer loads.
 *
 * @param out - a new or empty directory outside of the model
 * @throws {AppError} BAD_INPUT as `whyNoBase`, or when the directory cannot be used; what `exportBase` throws
 */
export async function writeBase(
  { engine }: Pick<Services, 'engine'>,
  { model, quantizer }: RunAdapter,
  facts: AdapterFacts,
  out: string,
  options: CallOptions
): Promise<BaseExport> {
  const why = whyNoBase({ quantizer }, facts)
  if (why !== null || !isFourBit(quantizer)) throw badInput(`${model}: ${why}`)
  const dtype = torchDtype(facts.fingerprint?.dtype)
  const request = { model, out: await checkOutDirectory(out, model), quantizer, dtype, computeDtype: dtype }
  return engine.call('exportBase', { ...request, maxShardBytes: MAX_SHARD_BYTES }, options)
}
