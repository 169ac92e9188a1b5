import type { RoleSummary, TensorRole } from '../../shared/inspection'
import { TENSOR_ROLES } from '../../shared/inspection'
import type { Checkpoint } from '../formats/checkpoint'
import { elementCount } from '../formats/tensorInfo'
import { embeddingTables } from '../models/architecture'
import { storedExperts } from '../models/expertWeights'
import { embeddingGraph, finalNormGraph } from '../models/modelGraphs'
import type { ModelParts } from '../models/modelParts'
import type { ModelWeights } from '../models/modelWeights'

/**
 * What each tensor of a checkpoint is to the model, by its name in the files; tensors that are left out are unused.
 *
 * @param ownHead - whether the head is another tensor than the embedding; a copy of a tied one is unused
 * @throws {AppError} BAD_FORMAT for a tensor that is missing or misshapen
 */
export function tensorRoles(
  weights: ModelWeights,
  parts: ModelParts,
  ownHead: boolean
): ReadonlyMap<string, TensorRole> {
  const { architecture } = parts
  const roles = new Map<string, TensorRole>()
  const { headBias, vocabularySize } = architecture
  const matrix = [vocabularySize, architecture.embeddingSize]
  if (headBias !== undefined) roles.set(weights.find(headBias, [vocabularySize]).name, 'bias')
  if (ownHead) roles.set(weights.find(architecture.head, matrix).name, 'head')
  for (const { name, rows, columns } of embeddingTables(architecture)) {
    roles.set(weights.find(name, [rows, columns]).name, 'embedding')
  }
  const outer = [embeddingGraph(architecture, parts.context), finalNormGraph(architecture)]
  for (const { name, shape } of outer.flatMap((graph) => graph?.parameters ?? [])) {
    roles.set(weights.find(name, shape).name, shape.length === 1 ? 'norm' : 'other')
  }
  for (let block = 0; block < architecture.blocks; block++) addBlock(roles, weights, parts, block)
  return roles
}

function addBlock(roles: Map<string, TensorRole>, weights: ModelWeights, parts: ModelParts, block: number): void {
  const linears = parts.linears(block)
  const path = parts.architecture.blockPath(block)
  const matrices = new Set(linears.map(({ name }) => `${name}.weight`))
  const biases = new Set(linears.map(({ name }) => `${name}.bias`))
  for (const { name } of storedExperts(weights, parts, block)) roles.set(name, 'experts')
  const router = parts.experts(block)?.router
  for (const { name, shape } of parts.tensors(block)) {
    const role = matrices.has(name) ? 'quantized' : biases.has(name) ? 'bias' : 'norm'
    // A norm may have weights for each head.
    const other = role === 'norm' && shape.length > 1 && !name.includes('norm')
    const isRouter = router !== undefined && name.startsWith(`${router}.`)
    for (const tensor of weights.findAll(`${path}.${name}`, shape)) {
      roles.set(tensor.name, isRouter ? 'experts' : other ? 'other' : role)
    }
  }
}

/** Tensors and parameters of each role that occurs, in the order of TENSOR_ROLES. */
export function summarizeRoles(checkpoint: Checkpoint, roles: ReadonlyMap<string, TensorRole>): RoleSummary[] {
  const totals = new Map<TensorRole, { tensors: number; parameters: number }>()
  for (const { name, shape } of checkpoint.tensors.values()) {
    const role = roles.get(name) ?? 'unused'
    const { tensors, parameters } = totals.get(role) ?? { tensors: 0, parameters: 0 }
    totals.set(role, { tensors: tensors + 1, parameters: parameters + elementCount(shape) })
  }
  return TENSOR_ROLES.flatMap((role) => {
    const total = totals.get(role)
    return total === undefined ? [] : [{ role, ...total }]
  })
}
