import { z } from 'zod'
import type { BaseExport } from '../baseExport'
import type { CompatibilityEntry, CopiedAdapter, ImportedBundle, Snippet, WrittenBundle } from '../exports'
import type { Verification } from '../plan'
import type { QuantizerFormat, ScaleOptions } from '../quantizers'
import { call } from './call'
import { Id } from './ids'
import { forPurpose } from './purposes'

/** Everything that an export page shows of one variant's adapter. */
export interface ExportedVariant {
  readonly variant: string
  /** Directory in which the run wrote it. */
  readonly adapter: string
  readonly bytes: number
  /** What the trainer loads: checkpoint or pre-quantized base. */
  readonly model: string
  /** Why the quantized base cannot be written as a checkpoint of its own; null where it can. */
  readonly noBase: string | null
  /** Of adapter_model.safetensors. */
  readonly sha256: string | null
  readonly compatibility: readonly CompatibilityEntry[]
  readonly snippets: readonly Snippet[]
  readonly fingerprint: {
    readonly quantizer: QuantizerFormat
    /** Where the format has the option, as is double quantization. */
    readonly blockSize?: ScaleOptions['blockSize'] | undefined
    readonly doubleQuantization?: boolean | undefined
    readonly dtype: string
    readonly codes: string
    readonly absmax: string
  } | null
  /** Commands that check the base; bitsandbytes has nothing to recompute where it is pre-quantized. */
  readonly checks: { readonly bitsandbytes: string | null; readonly quail: string }
}

/** Where a copy would go, and what it would meet there. */
export interface CopyTarget {
  readonly path: string
  readonly meets: 'nothing' | 'adapter'
}

/** Looked up among the variants of the run. */
const Variant = z.string().min(1).max(200)
const Path = z.string().min(1).max(4096)

export const exportCalls = {
  /** `copiedTo`: the snippets and checks name this directory instead of the run's own. */
  'exports.variant': call<ExportedVariant>()(
    z.strictObject({ run: Id, variant: Variant, copiedTo: Path.nullable().default(null) })
  ),
  /** A place in a folder that the person chose: the folder itself where it is empty or holds an adapter, else one inside. */
  'exports.target': call<CopyTarget>()(z.strictObject({ run: Id, variant: Variant, folder: Path }), {
    paths: ({ folder }) => forPurpose('writeFolder', [folder])
  }),
  'exports.copy': call<CopiedAdapter>()(
    z.strictObject({ run: Id, variant: Variant, to: Path, replace: z.boolean().default(false) }),
    { paths: ({ to }) => forPurpose('writeFolder', [to]) }
  ),
  /** Does an adapter belong on a base? Null: the run's own adapter, and the base that its run names. */
  'exports.verify': call<Verification>()(
    z.strictObject({
      run: Id,
      variant: Variant,
      adapter: Path.nullable().default(null),
      model: Path.nullable().default(null)
    }),
    {
      paths: ({ adapter, model }) => [
        ...forPurpose('readAdapter', adapter === null ? [] : [adapter]),
        ...forPurpose('readModel', model === null ? [] : [model])
      ]
    }
  ),
  /** Writes the base that the adapter was made for, quantized, as a checkpoint of its own. */
  'exports.base': call<BaseExport>()(z.strictObject({ run: Id, variant: Variant, out: Path }), {
    paths: ({ out }) => forPurpose('writeFolder', [out])
  }),
  /** The file is one that the person named in a dialog; what lies there is replaced only if it is a bundle. */
  'exports.bundle': call<WrittenBundle>()(z.strictObject({ run: Id, out: Path, factors: z.boolean().default(false) }), {
    paths: ({ out }) => forPurpose('writeBundle', [out])
  }),
  'exports.importBundle': call<ImportedBundle>()(z.strictObject({ file: Path }), {
    paths: ({ file }) => forPurpose('readBundle', [file])
  })
} as const
