import type { MethodName } from '../../shared/recipe'
import { diag } from './diag'
import { exact } from './exact'
import type { Method } from './method'
import { quailora } from './quailora'
import { svd } from './svd'
import { zero } from './zero'

/** Every method by name: a new one is one file and one line here (and its name in the recipe schema). */
const METHODS: Readonly<Record<MethodName, Method>> = { zero, svd, diag, quailora, exact }

export const methodFor = (name: MethodName): Method => METHODS[name]
