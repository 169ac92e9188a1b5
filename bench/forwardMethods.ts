import { METHODS, methodFacts } from '../src/shared/methods'

/** The methods that share the one pass forward; one that weighs outputs has a pass of its own. */
export const FORWARD_METHODS = METHODS.filter((method) => methodFacts(method).curvature !== true)
