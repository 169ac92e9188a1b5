import { quantizerFacts } from '../../shared/quantizers'
import type { DeviceName, QuantizerSpec } from '../../shared/recipe'
import { deviceOf } from '../graph/devices/registry'

/** Bytes of a weight as codes: its own, and its share of the scales in float32; those of int8's rows are next to nothing. */
export const codeBytes = ({ format, blockSize = 64 }: QuantizerSpec): number =>
  quantizerFacts(format).stored === 'fourBit' ? 1 / 2 + 4 / blockSize : 1

/** Bytes of a weight that is kept to be computed with again: codes where a device makes Q of them, else Q in float32. */
export const keptBytes = (spec: QuantizerSpec, device: DeviceName): number =>
  deviceOf(device).keepsTensors === true ? codeBytes(spec) : 4
