import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeSafetensors, type TensorData } from '../../src/engine/formats/safetensorsWriter'
import { readGoldenTensors } from './goldenTensors'
import { sampleModel } from './paths'

/** What the sample's config.json says of widths, and what the cut one says. */
const WIDTHS = { hidden_size: 64, intermediate_size: 172, num_attention_heads: 2, num_key_value_heads: 1 }
/** Sizes of tensors that follow from these widths: hidden, intermediate, keys and values. The vocabulary stays. */
const CUT: Readonly<Record<number, number>> = { 256: 64, 688: 172, 64: 32 }
const BYTES = 2 // bfloat16

/**
 * A copy of the sample model that keeps the first quarter of each width: the same blocks, linears and tokenizer, in a directory
 * that is removed with the process. Its linears are solved in a fraction of the time, which halves that of a whole run. What it
 * predicts is worth nothing: it serves where a run is stopped, damaged, repeated or told of, and not where figures are judged.
 */
export const narrowModel = cutModel()

function cutModel(): string {
  const directory = mkdtempSync(join(tmpdir(), 'quail-model-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  for (const file of readdirSync(sampleModel).filter((name) => name.endsWith('.json')))
    copyFileSync(join(sampleModel, file), join(directory, file))
  const config = JSON.parse(readFileSync(join(sampleModel, 'config.json'), 'utf8'))
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ ...config, ...WIDTHS }))
  const tensors = [...readGoldenTensors(join(sampleModel, 'model.safetensors'))]
  const { header, chunks } = encodeSafetensors(tensors.map(([name, { shape, bytes }]) => cutTensor(name, shape, bytes)))
  writeFileSync(join(directory, 'model.safetensors'), Buffer.concat([header, ...chunks]))
  return directory
}

/** Of a matrix [rows, columns] or a vector, the first rows and columns. */
function cutTensor(name: string, shape: readonly number[], bytes: Uint8Array): TensorData {
  const kept = shape.map((size) => CUT[size] ?? size)
  const [columns = 0, width = 0] = [shape.at(-1), kept.at(-1)]
  const rows = kept.length === 1 ? 1 : (kept[0] as number)
  const data = new Uint8Array(BYTES * rows * width)
  for (let row = 0; row < rows; row++) {
    const from = BYTES * row * columns
    data.set(bytes.subarray(from, from + BYTES * width), BYTES * row * width)
  }
  return { name, dtype: 'BF16', shape: kept, data }
}
