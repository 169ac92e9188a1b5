/** Devices that a recipe may name, in the order in which they are shown. */
export const DEVICES = ['cpu', 'webgpu', 'cuda'] as const

/**
 * Execution providers of onnxruntime that Quail looks for. Runs do not compute on the last two, which can be measured:
 * nobody has yet compared DirectML's results with the processor's, and Core ML may compute in float16.
 */
export const PROVIDERS = [...DEVICES, 'dml', 'coreml'] as const
export type ProviderName = (typeof PROVIDERS)[number]

/** As people call them. */
export const DEVICE_LABELS: Readonly<Record<ProviderName, string>> = {
  cpu: 'Processor',
  webgpu: 'WebGPU',
  cuda: 'CUDA',
  dml: 'DirectML',
  coreml: 'Core ML'
}

/** True for the providers that a recipe may name; the others can be looked for and measured. */
export const runsOn = (provider: ProviderName): boolean => (DEVICES as readonly string[]).includes(provider)

export interface DeviceReport {
  readonly name: ProviderName
  /** As people call it: `WebGPU`. */
  readonly label: string
  readonly available: boolean
  /** In one line: what it computes on, or why it is missing. */
  readonly detail: string
  /** Processors or graphics cards that it may use, as far as this system tells. */
  readonly adapters: readonly string[]
  /** Set where it computes on the processor, as software in the place of a card does. */
  readonly software?: true
  readonly limits: readonly { readonly name: string; readonly value: number | string; readonly unit?: 'bytes' }[]
  /** Why it is missing, in the words of the library or of the platform. */
  readonly reason?: string
  /** What a person can do about it. */
  readonly remedy?: string
}

/** Speed of Y = A·Bᵀ in float32, A and B square. */
export interface DeviceSpeed {
  readonly device: ProviderName
  readonly gflops: number
  /** Rows and columns of the matrices. */
  readonly size: number
  readonly repetitions: number
  /** Milliseconds of the fastest repetition. */
  readonly bestMs: number
}
