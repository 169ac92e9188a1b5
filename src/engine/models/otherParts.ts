import { badInput } from '../../shared/errors'
import type { Checkpoint } from '../formats/checkpoint'
import type { CheckpointTensor } from '../formats/shards'
import type { ModelTensor } from './modelTensors'
import type { WrittenParts } from './writtenParts'

/**
 * Matrices of vision towers, audio towers and projectors that are the weights of linears, by the end of their names; a
 * trainer quantizes them. Source: modeling_<type> of transformers 5.23; the conformance tests ask the classes themselves.
 */
const LINEAR =
  /(?:^|\.)(?:(?:q|k|v|o|out|gate|up|down|relative_k|output|input|pos)_proj|(?:mlp_)?fc[12]|linear_?(?:[12]|fc[12]|start|end)|ffw_layer_[12]|post|linear|qkv|proj(?:ection(?:_layer)?)?|(?:mlp|readout)\.[02]|head_linear|patch_embedding|merging_layer|embedding_projection|input_proj_linear|patch_dense|patchifier|in_proj|w[123]|lin[12]|out_linear|(?:multimodal|vision)_projector|(?:high_res_)?vision_proj|query|key|value|dense(?:_h_to_4h|_4h_to_h)?|perceive\.mlp|hidden_layers\.\d+|proj_out|vision_head)\.weight$/

/** Embeddings, and what attention of torch keeps to itself: a trainer quantizes none of them. */
const TABLE =
  /(?:^|\.)(?:position_embedding|pos_embed|visual_embeddings_table|generation_embeddings|quantize\.embedding|embed_(?:vision|audio)\.embedding|head\.attention\.out_proj)\.weight$/

const INTEGER = /^(?:[IU]\d|BOOL)/

/** The name under which transformers writes a tensor of the text model. */
export const writtenName = (name: string, written: WrittenParts | undefined): string =>
  replaced(name, written?.text ?? {})

/**
 * The tensors of the parts beside the text model, as transformers writes them; integers are no parameters and left out.
 *
 * @param read - the names in the files of what the text model reads
 * @param texts - how names of the text model begin in the files; what it leaves unread there is left out
 * @throws {AppError} BAD_INPUT for a tensor of no known part, for a matrix of which it is not known whether it is a linear's,
 *   and where there is nothing beside the text model
 */
export function otherTensors(
  { directory, tensors }: Checkpoint,
  { others, renamed = {}, unread = [] }: WrittenParts,
  read: ReadonlySet<string>,
  texts: readonly string[]
): ModelTensor[] {
  const begins = (name: string, all: readonly string[]): boolean => all.some((prefix) => name.startsWith(prefix))
  const found = [...tensors.values()].flatMap((tensor): ModelTensor[] => {
    if (read.has(tensor.name)) return []
    const name = replaced(tensor.name, renamed)
    if (begins(name, unread)) return []
    if (begins(name, others)) return INTEGER.test(tensor.dtype) ? [] : [otherTensor(directory, tensor, name)]
    if (begins(name, texts)) return []
    throw badInput(`${directory}: tensor ${tensor.name} is of none of the parts that are known: ${others.join(', ')}`)
  })
  if (found.length > 0) return found
  throw badInput(`${directory} holds the text model alone; of the other parts (${others.join(', ')}) nothing is there`)
}

function otherTensor(directory: string, { name: stored, shape }: CheckpointTensor, name: string): ModelTensor {
  const tensor = { name, shape, stored }
  const [outFeatures = 0, inFeatures = 0] = shape
  if (shape.length !== 2 || !name.endsWith('.weight') || TABLE.test(name)) return tensor
  if (!LINEAR.test(name)) {
    throw badInput(`${directory}: of the matrix ${stored} it is not known whether a trainer quantizes it`)
  }
  const path = name.replace(/\.weight$/, '')
  return { ...tensor, linear: { path, outFeatures, inFeatures, transposed: false, inBlock: false } }
}

function replaced(name: string, beginnings: Readonly<Record<string, string>>): string {
  const [from, to] = Object.entries(beginnings).find(([begin]) => name.startsWith(begin)) ?? ['', '']
  return `${to}${name.slice(from.length)}`
}
