import type { Dtype } from './dtypes'
import { MAX_DIMENSIONS } from './limits'
import { PickleDict, PickledObject, PickleGlobal, type PickleRules, type PickleTuple, type PickleValue } from './pickle'

/*
 * What the names in a pickle of torch tensors mean, as data: a storage is an entry of the archive, a tensor is a view of
 * a storage.
 *
 * Source of the signatures: pytorch 2.13.0, torch/_utils.py and torch/serialization.py (persistent_id).
 */

/** A storage: the entry `data/<key>` of the archive, with `elements` of one dtype. */
export class TorchStorage extends PickledObject {
  constructor(
    readonly dtype: Dtype,
    readonly key: string,
    readonly elements: number
  ) {
    super()
  }
}

/** A view of a storage: element (i, j, …) lies at offset + i · strides[0] + j · strides[1] + …, all in elements. */
export class TorchTensor extends PickledObject {
  constructor(
    readonly storage: TorchStorage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[]
  ) {
    super()
  }
}

const ORDERED_DICT = 'collections.OrderedDict'
const REBUILD_TENSOR = 'torch._utils._rebuild_tensor_v2'
const REBUILD_PARAMETER = 'torch._utils._rebuild_parameter'

const STORAGES: ReadonlyMap<string, Dtype> = new Map([
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.DoubleStorage', 'F64'],
  ['torch.ByteStorage', 'U8'],
  ['torch.CharStorage', 'I8'],
  ['torch.ShortStorage', 'I16'],
  ['torch.IntStorage', 'I32'],
  ['torch.LongStorage', 'I64'],
  ['torch.BoolStorage', 'BOOL']
])

type Fail = (message: string) => never

/** The rules for a dictionary of tensors and parameters. */
export const TORCH_RULES: PickleRules = {
  globals: new Set([ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, ...STORAGES.keys()]),
  expected: 'only dictionaries of dense tensors and parameters of the usual number formats are read',
  call,
  load
}

function call(callable: string, args: PickleTuple, fail: Fail): PickleDict | TorchTensor {
  if (callable === REBUILD_TENSOR) return rebuildTensor(args, fail)
  if (callable === REBUILD_PARAMETER) {
    return args[0] instanceof TorchTensor ? args[0] : fail('a parameter of something that is no tensor')
  }
  if (callable === ORDERED_DICT && args.length === 0) return new PickleDict()
  return fail(`${callable} is called with ${args.length} arguments, which was not expected`)
}

/**
 * (storage, offset, size, stride, requires_grad, backward_hooks[, metadata]); the two before the last mean nothing here, and of
 * metadata torch writes that the values are to be negated or conjugated.
 */
function rebuildTensor([storage, offset, size, stride, ...rest]: PickleTuple, fail: Fail): TorchTensor {
  if (!(storage instanceof TorchStorage)) return fail('a tensor has no storage')
  if (!isIndex(offset)) return fail('the offset of a tensor is no whole number from 0 on')
  const shape = indices(size, 'size', fail)
  const strides = indices(stride, 'stride', fail)
  if (shape.length !== strides.length) fail(`a tensor has ${shape.length} dimensions and ${strides.length} strides`)
  if (rest.length < 2 || rest.length > 3) fail(`a tensor is made of ${rest.length + 4} arguments, not 6 or 7`)
  const [, , metadata = null] = rest
  if (!isPlain(metadata))
    fail('a tensor has metadata, as of values that are stored negated; plain values were expected')
  return new TorchTensor(storage, offset, shape, strides)
}

/** Whether metadata says nothing, or of everything that it is not so. */
const isPlain = (metadata: PickleValue): boolean =>
  metadata === null || (metadata instanceof PickleDict && metadata.entries.every(([, value]) => value === false))

function indices(value: PickleValue | undefined, what: string, fail: Fail): number[] {
  if (!Array.isArray(value)) return fail(`the ${what} of a tensor is no tuple`)
  if (value.length > MAX_DIMENSIONS) fail(`a tensor has ${value.length} dimensions; at most ${MAX_DIMENSIONS} are read`)
  return value.map((one: PickleValue) => (isIndex(one) ? one : fail(`the ${what} of a tensor holds no whole number`)))
}

/** ('storage', type, key, location, elements); where the storage once lay (a device) means nothing here. */
function load([tag, type, key, , elements]: PickleTuple, fail: Fail): TorchStorage {
  const dtype = type instanceof PickleGlobal ? STORAGES.get(type.name) : undefined
  if (tag !== 'storage' || dtype === undefined) return fail('a persistent id is no storage of tensors')
  if (typeof key !== 'string' || !isIndex(elements)) return fail('a storage has no key or no length')
  return new TorchStorage(dtype, key, elements)
}

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
