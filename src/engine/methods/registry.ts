import { implementations } from '../../shared/implementations'
import { METHODS, type MethodName, methodFacts } from '../../shared/methods'
import type { Basis, Method } from './method'

/** The algorithm of every declared method, found by the name of its file. */
const BASES = implementations(
  METHODS,
  import.meta.glob<Basis>('./bases/*.ts', { eager: true, import: 'basis' }),
  'src/engine/methods'
)

export const methodFor = (name: MethodName): Method => ({ ...methodFacts(name), name, basis: BASES[name] })
