/*
 * What leaves Quail: an adapter copied to a place of the user's choice, the report of where it can be used, and run
 * bundles.
 */

/** Whether one consumer takes the adapter as it is, with care, or not at all. */
export type Verdict = 'ok' | 'caution' | 'no'

/** One consumer of an adapter: what to expect of it, in one sentence, and what to do. */
export interface CompatibilityEntry {
  readonly consumer: string
  readonly verdict: Verdict
  readonly says: string
  /** What to do about it; null where there is nothing to do. */
  readonly fix: string | null
}

/** The trainers that there are snippets for, in the order in which they are shown. */
export const TRAINERS = ['peft', 'trl', 'axolotl', 'llama-factory', 'unsloth'] as const
export type Trainer = (typeof TRAINERS)[number]

/** A starting point for one trainer, complete with paths and quantization. */
export interface Snippet {
  readonly trainer: Trainer
  /** As people write it: `LLaMA-Factory`. */
  readonly title: string
  readonly language: 'python' | 'yaml'
  /** A name to save it under. */
  readonly fileName: string
  readonly text: string
}

/** An adapter directory that was copied and whose copy was read back. */
export interface CopiedAdapter {
  readonly path: string
  readonly files: readonly string[]
  readonly bytes: number
  /** SHA-256 of the copied adapter_model.safetensors. */
  readonly sha256: string
}

/** A run bundle that was written. */
export interface WrittenBundle {
  readonly path: string
  readonly bytes: number
  readonly files: number
  readonly sha256: string
}

/** A run bundle that was taken over. */
export interface ImportedBundle {
  /** Id of the run here: another than in the bundle where that one was taken. */
  readonly run: string
  readonly originalRun: string
  readonly variants: readonly string[]
  /** Directory of the adapters here. */
  readonly out: string
  readonly bytes: number
}
