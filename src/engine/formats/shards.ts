import type { TensorInfo } from './tensorInfo'
import type { WeightFile } from './weightFile'

/** A tensor and the file of the checkpoint that holds it. */
export interface CheckpointTensor extends TensorInfo {
  readonly file: string
}

/**
 * All tensors with their file. Of an index only the names of the shards count, as in transformers: an entry for a tensor
 * that no shard holds is no fault as long as the model does not need it, a tensor may lie in another shard, and of one that
 * several hold the last counts, in the order of their names.
 *
 * Source: transformers 5.23, modeling_utils.py, _load_pretrained_model; 4.57 does the same.
 */
export function collectTensors(files: readonly WeightFile[]) {
  const tensors = new Map<string, CheckpointTensor>()
  const replaced: CheckpointTensor[] = []
  for (const file of files) {
    for (const [name, info] of file.header.tensors) {
      const earlier = tensors.get(name)
      if (earlier !== undefined) replaced.push(earlier)
      tensors.set(name, { ...info, file: file.name })
    }
  }
  return { tensors, replaced }
}
