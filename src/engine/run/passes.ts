import { acceptPass } from './acceptPass'
import { advancePass } from './advancePass'
import { choosePass } from './choosePass'
import { curvaturePass } from './curvaturePass'
import { evaluatePass } from './evaluatePass'
import type { Pass } from './pass'
import { refinePass } from './refinePass'
import { solvePass } from './solvePass'

/** The passes of every run, in order. */
export const PASSES: readonly Pass[] = [
  curvaturePass,
  solvePass,
  choosePass,
  acceptPass,
  refinePass,
  advancePass,
  evaluatePass
] as const
