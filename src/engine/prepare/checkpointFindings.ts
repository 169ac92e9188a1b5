import { readdir } from 'node:fs/promises'
import { expertsSentence, expertsText } from '../../shared/expertsNote'
import type { Finding } from '../../shared/findings'
import { keptSentence } from '../../shared/keptLinears'
import type { Dtype } from '../formats/dtypes'
import { ADAPTER_CONFIG_FILE } from '../formats/peftAdapter'
import { type ModelArchitecture, skippedModules } from '../models/architecture'
import { listLinears, type PreparedLinear } from '../models/modelLinears'
import type { ModelParts } from '../models/modelParts'
import { exactDtype, linearDtypes, type ModelTensor, modelTensors } from '../models/modelTensors'
import type { ModelWeights } from '../models/modelWeights'
import { hasOtherHead } from '../models/tiedHead'
import { embeddingFindings } from './weightScan'

/** Values of head and embedding that are compared for a warning: 16 M each, which takes a tenth of a second. */
const COMPARED_VALUES = 2 ** 24

/**
 * What a trainer could load from the files otherwise than Quail does; none of it stops a run.
 *
 * @throws {AppError} NUMERICS for a NaN or an infinity among what is compared
 */
export async function checkpointFindings(weights: ModelWeights, parts: ModelParts): Promise<Finding[]> {
  const { architecture } = parts
  return [
    ...(await adapterInside(weights.checkpoint.directory)),
    ...replacedTensors(weights),
    ...scalesLeft(weights, parts),
    ...expertFindings(parts),
    ...keptFindings(parts),
    ...(await headFindings(weights, architecture)),
    ...(await embeddingFindings(weights, architecture))
  ]
}

/** A trainer loads all weights in one dtype before it quantizes them; those of a pre-quantized base are not quantized again. */
export function dtypeFindings(weights: ModelWeights, parts: ModelParts): Finding[] {
  const tensors = modelTensors(parts, true)
  const dtypes = linearDtypes(weights, tensors)
  const { directory } = weights.checkpoint
  if (dtypes.length < 2) return roundedFindings(weights, tensors, exactDtype(dtypes))
  const consequence =
    'an adapter is computed for the weights as they are stored, so a trainer has to load them in float32'
  const fix = 'to train in another dtype, save the checkpoint in it first'
  return [warning('MIXED_DTYPES', `${directory} stores its linears as ${dtypes.join(' and ')}: ${consequence}; ${fix}`)]
}

/**
 * What is stored in another dtype than the linears, such as biases of routers, which choose experts, and is not kept so.
 *
 * @param dtype - of all linears
 */
function roundedFindings(weights: ModelWeights, tensors: readonly ModelTensor[], dtype: Dtype): Finding[] {
  if (dtype !== 'BF16' && dtype !== 'F16') return [] // float32 holds all of them, and others are refused
  const found = tensors
    .filter(({ linear, float32 }) => linear === undefined && float32 !== true)
    .flatMap(({ name, shape }) => weights.findAll(name, shape).map(({ dtype }) => ({ name, dtype })))
    .filter((tensor) => tensor.dtype !== dtype)
  const [first] = found
  if (first === undefined) return []
  const others = found.length > 1 ? ` (and ${found.length - 1} more tensors)` : ''
  const where = `${weights.checkpoint.directory} stores ${first.name}${others} as ${first.dtype} and its linears as ${dtype}`
  const message = `${where}: a trainer that loads all in one dtype rounds what is wider, Quail computes with it as it is stored`
  return [{ code: 'ROUNDED_TENSORS', severity: 'info', subject: 'model', message }]
}

/** transformers with PEFT loads an adapter that lies beside the weights, without being asked. */
export async function adapterInside(directory: string): Promise<Finding[]> {
  const names = await readdir(directory).catch((): string[] => []) // whoever opens it says that it is not there
  if (!names.includes(ADAPTER_CONFIG_FILE)) return []
  const files = names.filter((name) => /^adapter_(?:config\.json|model\..*)$/.test(name)).sort()
  const consequence = 'transformers loads that adapter on top of the weights, so a trainer works on another model'
  return [
    warning(
      'ADAPTER_INSIDE',
      `${directory} holds an adapter (${files.join(', ')}) beside the model: ${consequence} than Quail, which leaves it out; move these files to a folder of their own, or merge the adapter into the weights first`
    )
  ]
}

/** Whoever goes by the index of the shards may read another of two tensors of one name. */
function replacedTensors({ checkpoint: { directory, tensors, replaced } }: ModelWeights): Finding[] {
  const [first] = replaced
  if (first === undefined) return []
  const others = replaced.length > 1 ? ` (and ${replaced.length - 1} more tensors)` : ''
  const where = `${directory}: ${first.name}${others} lies in ${first.file} and again in ${tensors.get(first.name)?.file}`
  const use = 'the last shard counts, as in transformers, whatever the index says'
  return [warning('TENSOR_TWICE', `${where}: ${use}; others may read the first, so save the checkpoint anew`)]
}

/** What weights of 8 bits are multiplied with, by the end of its name: of DeepSeek's FP8, and of compressed-tensors. */
const SCALES = ['_scale_inv', '_scale']

/** Scales beside weights in floating point: these were converted, and nothing says whether they were multiplied. */
function scalesLeft(weights: ModelWeights, parts: ModelParts): Finding[] {
  const { checkpoint } = weights
  const found = listLinears(parts).flatMap(({ path }) =>
    SCALES.map((end) => `${weights.storedName(`${path}.weight`)}${end}`).filter((name) => checkpoint.has(name))
  )
  const [first] = found
  if (first === undefined) return []
  const others = found.length > 1 ? ` (and ${found.length - 1} more scales)` : ''
  const use = 'Quail and transformers take the weights as they are, which are the model only where they were multiplied'
  return [
    warning(
      'SCALES_LEFT',
      `${checkpoint.directory} holds ${first}${others} beside weights that are not quantized: ${use}`
    )
  ]
}

/** Of a mixture of experts, only a part is quantized, and not by every trainer the same. */
function expertFindings(parts: ModelParts): Finding[] {
  const { experts } = parts.architecture
  const unreached = listLinears(parts).filter(({ adaptable }) => !adaptable)
  return [
    ...(experts === undefined ? [] : [warning('EXPERTS', `${expertsText(experts)}: ${expertsSentence(experts)}`)]),
    ...(unreached.length === 0 ? [] : [warning('UNREACHED', unreachedSentence(unreached))])
  ]
}

/** What a trainer has to leave in full precision, which it does not do by itself. */
function keptFindings({ architecture }: ModelParts): Finding[] {
  const [{ kept }, modules] = [architecture, skippedModules(architecture)]
  return kept === undefined || modules === undefined ? [] : [warning('KEPT_LINEARS', keptSentence(kept, modules))]
}

const unreachedSentence = (linears: readonly PreparedLinear[]): string =>
  `${linears.length} linears (${linears[0]?.path}, …) are quantized, but not repaired: PEFT takes their names for those of experts`

async function headFindings(weights: ModelWeights, architecture: ModelArchitecture): Promise<Finding[]> {
  const { tiedHead, tiedHeadIn4 = tiedHead, embedding, head } = architecture
  if (tiedHead !== tiedHeadIn4) return tiedOtherwise(weights, architecture)
  if (!tiedHead) return []
  const { directory } = weights.checkpoint
  const names = { embedding: weights.storedName(embedding), head: weights.storedName(head) }
  if (await hasOtherHead(weights, architecture, { limit: COMPARED_VALUES })) {
    const use = `the stored head is used, as in transformers 5; transformers 4 and others use ${names.embedding} instead`
    const fix = 'set tie_word_embeddings to false in config.json, so that all agree'
    return [
      warning(
        'OTHER_HEAD',
        `${directory}: config.json ties the output head to the embedding, but ${names.head} holds other values: ${use}; ${fix}`
      )
    ]
  }
  if (names.embedding === names.head && names.head.endsWith(head)) {
    const use = `transformers 5 uses ${head} for both, and so does Quail; transformers 4 cannot load such a checkpoint`
    return [warning('HEAD_ALONE', `${directory} holds no ${embedding}, only the head that it is tied to: ${use}`)]
  }
  return []
}

/** Of a model around a text model, transformers 5 goes by tie_word_embeddings of config.json, 4 by that of text_config. */
function tiedOtherwise(weights: ModelWeights, { tiedHead }: ModelArchitecture): Finding[] {
  const { directory } = weights.checkpoint
  const tied = (yes: boolean) => (yes ? 'ties the output head to the embedding' : 'does not tie the output head')
  const stated = `${directory}: config.json ${tied(tiedHead)}, its text_config ${tied(!tiedHead)}`
  const fix = `set tie_word_embeddings to ${tiedHead} in text_config too`
  if (!tiedHead) {
    const use = 'transformers 5 goes by the first, and so does Quail; transformers 4 uses the embedding as the head'
    return [warning('TIED_IN_4', `${stated}: ${use}; ${fix}`)]
  }
  if (weights.storesHead) return []
  const use =
    'transformers 5 goes by the first, and so does Quail; transformers 4 leaves what is not stored at random values'
  return [warning('NOT_TIED_IN_4', `${stated}: ${use}; ${fix}`)]
}

const warning = (code: string, message: string): Finding => ({ code, severity: 'warning', subject: 'model', message })
