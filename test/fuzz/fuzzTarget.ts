import type { Random } from './random'

/** One mutated input: files by name that lie in a directory of their own. */
export type FuzzInput = Readonly<Record<string, Uint8Array>>

/** A reader of files that are not trusted, and how its inputs are made. */
export interface FuzzTarget {
  readonly name: string
  /** Inputs in `npm test`: as many as take a few seconds. */
  readonly inputs: number
  /** Seconds of processor time that one input may take, where the reader counts work that is worth more than one. */
  readonly maxSeconds?: number
  /** Mebibytes by which memory may grow during one input, where what the reader counts is worth more than for others. */
  readonly maxMebibytes?: number
  /** Makes the next input. The same generator gives the same inputs. */
  make(random: Random): FuzzInput
  /** Reads the input in a directory that holds it and nothing else; may throw an AppError. */
  read(directory: string): Promise<unknown>
}
