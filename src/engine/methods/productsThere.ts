import type { Weighting } from '../../shared/methods'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import { column32, type Matrix32, transposed } from '../numerics/matrix'
import { chainThere } from './chainThere'
import { energy } from './energy'
import { energyThere } from './energyThere'
import type { ErrorProducts } from './errorProducts'
import type { SecondMoment } from './secondMoment'

/** On another device, each chain of products by one graph; E and H stay there where it keeps them. */
export class ProductsThere implements ErrorProducts {
  constructor(
    private readonly algebra: LinearAlgebra,
    private readonly E: Matrix32,
    private readonly moment: SecondMoment
  ) {
    algebra.keep(E)
  }

  times(Y: Matrix32): Promise<Matrix32> {
    return chainThere(this.algebra, ['E'], { E: this.E }, Y)
  }

  transposedTimes(Y: Matrix32): Promise<Matrix32> {
    return chainThere(this.algebra, ['Et'], { E: this.E }, Y)
  }

  amongOutputs(weighting: Weighting, Y: Matrix32): Promise<Matrix32> {
    const { algebra, E, moment } = this
    if (weighting === 'full')
      return chainThere(algebra, ['Et', 'H', 'E'], { E, H: algebra.keepShared(moment.rounded) }, Y)
    if (weighting === 'none') return chainThere(algebra, ['Et', 'E'], { E }, Y)
    return chainThere(algebra, ['Et', 'D', 'E'], { E, D: column32(moment.diagonal) }, Y)
  }

  amongInputs(roots: Float64Array | undefined, Y: Matrix32): Promise<Matrix32> {
    const { algebra, E } = this
    if (roots === undefined) return chainThere(algebra, ['E', 'Et'], { E }, Y)
    return chainThere(algebra, ['D', 'E', 'Et', 'D'], { E, D: column32(roots) }, Y)
  }

  async energy(): Promise<number> {
    const { algebra, E, moment } = this
    return (await energyThere(algebra, E, moment)) ?? energy(algebra, transposed(E), moment)
  }
}
