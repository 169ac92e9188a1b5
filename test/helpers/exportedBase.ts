import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportBase } from '../../src/engine/ask/exportBase'

/** The quantized base of a checkpoint, nf4 with double quantization and all else in float32, in a directory of its own. */
export async function exportedBase(model: string): Promise<string> {
  const out = join(mkdtempSync(join(tmpdir(), 'quail-base-')), 'base')
  const quantizer = { format: 'nf4', blockSize: 64, doubleQuantization: true } as const
  const request = { model, out, quantizer, dtype: 'float32', computeDtype: 'float32', maxShardBytes: 2 ** 30 } as const
  return (await exportBase(request, new AbortController().signal)).path
}
