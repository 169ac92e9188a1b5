import { checkOutDirectory } from '../../services/outDirectory'
import { BLOCK_SIZES, DEFAULT_QUANTIZER, FOUR_BIT_FORMATS, SCALE_DEFAULTS } from '../../shared/quantizers'
import { FACTOR_DTYPES, type FactorDtype } from '../../shared/recipe'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag, oneOf, required, size, text, withDefault } from '../grammar/options'
import { plural } from '../output/numbers'
import { printJson } from '../output/printJson'
import { formatSize } from '../output/sizes'
import { renderPairs } from '../output/table'

const dtypes = FACTOR_DTYPES.join(', ')

export const exportBaseOptions = {
  model: required('DIR', text, 'full-precision checkpoint in the Hugging Face layout'),
  out: required('DIR', text, 'new or empty directory that the quantized checkpoint becomes'),
  quantizer: withDefault(
    'FORMAT',
    oneOf(FOUR_BIT_FORMATS),
    DEFAULT_QUANTIZER,
    `${FOUR_BIT_FORMATS.join(', ')}: number format of the linears`
  ),
  'no-double-quant': flag('do not quantize the absmax values'),
  'block-size': withDefault('N', oneOf(BLOCK_SIZES), SCALE_DEFAULTS.blockSize, 'weights that share one absmax'),
  dtype: withDefault<FactorDtype>(
    'DTYPE',
    oneOf(FACTOR_DTYPES),
    'bfloat16',
    `${dtypes}: what weights are rounded to first, and what stays in full precision is stored in`
  ),
  'compute-dtype': withDefault<FactorDtype>(
    'DTYPE',
    oneOf(FACTOR_DTYPES),
    'float32',
    `${dtypes}: bnb_4bit_compute_dtype in config.json`
  ),
  'max-shard-size': withDefault('SIZE', size, 5e9, 'bytes of one weight file', { defaultText: '5GB' }),
  json: flag('print the answer as JSON')
} as const

/** `quail export-base`: writes the quantized base as a checkpoint that transformers loads. */
export async function exportBaseAction(
  { options }: Invocation<typeof exportBaseOptions>,
  { engine, terminal, signal }: CommandContext
): Promise<ExitCode> {
  const { model, dtype } = options
  const out = await checkOutDirectory(options.out, model)
  const quantizer = {
    format: options.quantizer,
    blockSize: options['block-size'],
    doubleQuantization: !options['no-double-quant']
  }
  const rest = { computeDtype: options['compute-dtype'], maxShardBytes: options['max-shard-size'] }
  const written = await engine.call('exportBase', { model, out, quantizer, dtype, ...rest }, { signal })
  for (const note of written.notes) terminal.note(`note: ${note}`)
  if (options.json) {
    printJson(terminal, written)
    return EXIT.done
  }
  const { path, weightFiles, otherFiles, bytes, linears, fingerprint } = written
  const pairs: [string, string][] = [
    ['written', path],
    ['weights', `${plural(weightFiles.length, 'file')}, ${formatSize(bytes)}, ${plural(linears, 'linear')} quantized`],
    ['beside', otherFiles.join(', ')],
    ['codes', `sha256 ${fingerprint.codes}`],
    ['absmax', `sha256 ${fingerprint.absmax}`]
  ]
  for (const line of renderPairs(pairs)) terminal.print(line)
  return EXIT.done
}
