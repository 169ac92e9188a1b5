import { z } from 'zod'
import { badFormat } from '../../shared/errors'
import { ExpertsNote } from '../../shared/expertsNote'
import { quantizerFacts } from '../../shared/quantizers'
import { QuantizerSpec } from '../../shared/recipe'
import { LinearFingerprint } from '../../shared/runFolder'
import { LOADERS } from '../../shared/textTower'
import { readJsonFile } from './files'

/** quail.json is small beside the weights; this stops a file that is something else. */
const MAX_PROOF_BYTES = 2 ** 28

export const PROOF_FILE = 'quail.json'

/** The part of an adapter's proof that others check or act upon. */
export const ProofFields = z.looseObject({
  version: z.literal(1),
  model: z
    .looseObject({
      tower: z.looseObject({ wrapper: z.string(), text: z.string(), loader: z.enum(LOADERS) }).optional(),
      experts: ExpertsNote.loose().optional()
    })
    .optional()
    .describe('its text tower and its experts, where it has them'),
  variant: z.looseObject({ rank: z.int(), alpha: z.number(), rslora: z.boolean() }),
  layers: z
    .array(z.looseObject({ name: z.string(), rank: z.int().optional() }))
    .optional()
    .describe('rank: where linears have ranks of their own'),
  fingerprint: z
    .looseObject({
      algorithm: z.string(),
      base: z.string().optional().describe('name of the pre-quantized checkpoint'),
      quantizer: QuantizerSpec.shape.format.unwrap(),
      blockSize: QuantizerSpec.shape.blockSize.unwrap().optional(),
      doubleQuantization: z.boolean().optional(),
      skipModules: z.array(z.string()).optional().describe('what the trainer must leave in full precision'),
      dtype: z.string().default('BF16').describe('in which the trainer must load the weights'),
      codes: z.string(),
      absmax: z.string(),
      linears: z.array(LinearFingerprint)
    })
    .superRefine((found, context) => {
      for (const option of quantizerFacts(found.quantizer).options) {
        if (found[option] !== undefined) continue
        context.addIssue({ code: 'custom', path: [option], message: `is missing, ${found.quantizer} needs it` })
      }
    })
})
export type ProofFields = z.infer<typeof ProofFields>

/**
 * Reads the proof beside an adapter.
 *
 * @throws {AppError} BAD_INPUT if it is missing, BAD_FORMAT if it is not one
 */
export async function readProof(path: string): Promise<ProofFields> {
  const parsed = ProofFields.safeParse(await readJsonFile(path, MAX_PROOF_BYTES))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw badFormat(`${path}: ${issue?.path.join('.') || 'the content'}: ${issue?.message}`)
}
