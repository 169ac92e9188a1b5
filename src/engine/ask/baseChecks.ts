import { AppError } from '../../shared/errors'
import { provenBase, quantizerKey, quantizerWords, scaleOptions } from '../../shared/quantizerWords'
import { QuantizerSpec } from '../../shared/recipe'
import type { LinearFingerprint } from '../../shared/runFolder'
import { StoredBase } from '../base/storedBase'
import { PROOF_FILE, type ProofFields } from '../formats/adapterProof'
import type { Checkpoint } from '../formats/checkpoint'
import { isQuantized } from '../formats/checkpointFiles'
import type { ModelArchitecture } from '../models/architecture'
import type { PreparedLinear } from '../models/modelLinears'
import { ModelWeights } from '../models/modelWeights'
import { fingerprintLinear, fingerprintModel, STORED_FINGERPRINT_ALGORITHM } from '../quantizers/fingerprint'
import { quantizerFor } from '../quantizers/registry'
import { type Check, failed, passed, unknown } from './adapterChecks'

/*
 * Whether a base is quantized as that which an adapter was made for: a checkpoint in full precision when it is quantized again, a
 * pre-quantized one as it is stored.
 */

/** Linears whose use is told of, and ends when the caller gives up. */
export interface Observed {
  readonly linears: readonly PreparedLinear[]
  readonly next: (index: number) => Promise<void>
}

/** The fingerprint of the base. */
export async function checkBase(
  proof: ProofFields | undefined,
  checkpoint: Checkpoint,
  architecture: ModelArchitecture,
  linears: Observed
): Promise<Check> {
  if (proof === undefined) {
    const reason = `there is no ${PROOF_FILE} beside it, which PEFT does not copy when it saves`
    return unknown(
      'fingerprint',
      `which base it was made for cannot be said: ${reason}; name the adapter that it was trained from with --from`
    )
  }
  return isQuantized(checkpoint.config)
    ? checkStoredBase(proof, checkpoint, architecture, linears)
    : checkFingerprint(proof, new ModelWeights(checkpoint, architecture), linears)
}

const madeForStored = ({ fingerprint }: ProofFields): boolean => fingerprint.algorithm === STORED_FINGERPRINT_ALGORITHM

const specOf = ({ fingerprint }: ProofFields): QuantizerSpec => {
  const base = provenBase(fingerprint)
  return QuantizerSpec.parse({ format: base.format, ...scaleOptions(base) })
}

/** Whether a run that quantizes has other scales in its fingerprint than the base that is stored: those before they are quantized. */
const quantizesScales = (spec: QuantizerSpec): boolean => 'doubleQuantization' in spec && spec.doubleQuantization

interface Comparison {
  /** What a linear of the base does with other values: `quantizes to` or `holds` them. */
  readonly verb: string
  /** Whether scales are known as the fingerprint has them. */
  readonly scales: boolean
  readonly digestOf: (linear: PreparedLinear) => Promise<LinearFingerprint>
}

/** Compares, linear by linear, the digests of a base with those of the one that the adapter was made for. */
async function compareBase(
  { fingerprint }: ProofFields,
  { linears, next }: Observed,
  { verb, scales, digestOf }: Comparison
): Promise<Check> {
  const expected = new Map(fingerprint.linears.map((linear) => [linear.name, linear]))
  const digests: LinearFingerprint[] = []
  for (const [index, linear] of linears.entries()) {
    await next(index)
    const digest = await digestOf(linear)
    const made = expected.get(linear.path)
    if (made?.codes !== digest.codes || (scales && made.absmax !== digest.absmax)) {
      return failed('fingerprint', `${linear.path} ${verb} other values than those that the adapter was made for`)
    }
    digests.push(digest)
  }
  const { codes, absmax } = fingerprintModel(digests)
  const same =
    codes === fingerprint.codes && (!scales || absmax === fingerprint.absmax) && digests.length === expected.size
  const compared = scales ? '' : '; its scales, which are quantized themselves, are not compared'
  return same
    ? passed('fingerprint', `${quantizerWords(provenBase(fingerprint))}: codes ${codes.slice(0, 16)}…${compared}`)
    : failed('fingerprint', 'the list of linears is not the one that the adapter was made for')
}

/** Quantizes the base again. */
async function checkFingerprint(proof: ProofFields, weights: ModelWeights, linears: Observed): Promise<Check> {
  const spec = specOf(proof)
  const quantizer = quantizerFor(spec)
  const check = await compareBase(proof, linears, {
    verb: 'quantizes to',
    scales: !madeForStored(proof) || !quantizesScales(spec),
    digestOf: async (linear) => {
      const weight = await weights.readLinear(linear.path, linear)
      return fingerprintLinear(linear.path, quantizer.quantize(weight, spec, linear.inFeatures))
    }
  })
  const base = `the pre-quantized checkpoint ${proof.fingerprint.base ?? ''} that the adapter was made for`
  return check.ok || !madeForStored(proof) ? check : { ...check, detail: `${check.detail}; give ${base}` }
}

/** Reads what a pre-quantized checkpoint holds. */
async function checkStoredBase(
  proof: ProofFields,
  checkpoint: Checkpoint,
  architecture: ModelArchitecture,
  linears: Observed
): Promise<Check> {
  const base = await StoredBase.of(checkpoint, architecture)
  const [held, made] = [base.spec, specOf(proof)].map((spec) => quantizerKey(spec))
  const other =
    held === made
      ? unusable(base, architecture, linears)
      : `${base.checkpoint.directory} is quantized as ${held}, the adapter was made for ${made}`
  if (other !== undefined) return failed('fingerprint', other)
  const scales = madeForStored(proof) || !quantizesScales(base.spec)
  return compareBase(proof, linears, {
    verb: 'holds',
    scales,
    digestOf: async (linear) => {
      await base.check(linear)
      return (await base.read(linear)).fingerprint
    }
  })
}

/** Why nobody can train on a base, whatever the linears hold that adapters are beside; undefined where one can. */
function unusable(base: StoredBase, architecture: ModelArchitecture, { linears }: Observed): string | undefined {
  if (architecture.noStoredBase !== undefined) return architecture.noStoredBase
  if (architecture.experts === undefined && architecture.kept === undefined) return undefined
  try {
    base.refuseOthers(linears, architecture)
    return undefined
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return error.message
  }
}
