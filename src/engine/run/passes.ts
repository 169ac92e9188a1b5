import { evaluatePass } from './evaluatePass'
import type { Pass } from './pass'
import { solvePass } from './solvePass'

/** The passes of every run, in order. */
export const PASSES: readonly Pass[] = [solvePass, evaluatePass] as const
