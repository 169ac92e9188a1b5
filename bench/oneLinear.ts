import { writeFile } from 'node:fs/promises'
import { LinearAlgebra } from '../src/engine/graph/linearAlgebra'
import { projectionFactors, roundFactors } from '../src/engine/methods/factors'
import { layerError } from '../src/engine/methods/layerError'
import { LayerProblem } from '../src/engine/methods/layerProblem'
import { methodFor } from '../src/engine/methods/registry'
import { SecondMoment } from '../src/engine/methods/secondMoment'
import { difference } from '../src/engine/numerics/accumulate'
import { quantizerFor } from '../src/engine/quantizers/registry'
import { QuantizerSpec } from '../src/shared/recipe'
import { syntheticProblem } from './syntheticProblem'

/*
 * Solves one synthetic linear some times and prints what it took as JSON:
 *
 *     node oneLinear.js OUT IN RANK METHOD ROUNDS [FOLDER]     with a folder, W, Q and H are written there as raw numbers
 *
 * It is built from this tree and from an earlier commit's, so it asks only for what both have.
 */

const [out = 0, into = 0, rank = 0, , rounds = 0] = process.argv.slice(2).map(Number)
const method = process.argv[5] as 'quailora' | 'exact'
const folder = process.argv[7]

interface Spent {
  /** Seconds of wall time, and of all processors together. */
  wall: number
  cpu: number
}

async function spent<T>(work: () => Promise<T>): Promise<[T, Spent]> {
  const [started, used] = [performance.now(), process.cpuUsage()]
  const result = await work()
  const { user, system } = process.cpuUsage(used)
  return [result, { wall: (performance.now() - started) / 1e3, cpu: (user + system) / 1e6 }]
}

const { W, H } = syntheticProblem(out, into)
const spec = QuantizerSpec.parse({ doubleQuantization: false })
const quantizer = quantizerFor(spec)
const Q = quantizer.dequantize(quantizer.quantize(W, spec, into), W.length, spec)
const E = { data: difference(W, Q), rows: out, cols: into }
if (folder !== undefined) {
  for (const [name, data] of Object.entries({ W, Q, H: H.data })) {
    await writeFile(`${folder}/${name}.bin`, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
}
const algebra = new LinearAlgebra('cpu')
const moment = new SecondMoment(H)
moment.rounded // shared by all linears that read this input
const options = { rank, iterations: 20 }

const reports: object[] = []
for (let round = 0; round < rounds; round++) {
  const problem = new LayerProblem(algebra, 'bench', E, moment, { maxRank: rank, seed: 0 })
  const [factors, solved] = await spent(async () => {
    const U = await methodFor(method).basis(problem, options)
    return roundFactors(await projectionFactors(problem, U, { rank, scaling: 1 }), 'float32')
  })
  const [judged, judging] = await spent(async () => {
    const rank0 = await problem.lossRank0()
    const { loss } = await layerError(problem, factors, 1)
    return { loss: loss / rank0, certificate: (rank0 - loss) / (await problem.exactGain(rank)) }
  })
  const whole = { wall: solved.wall + judging.wall, cpu: solved.cpu + judging.cpu }
  reports.push({ ...judged, factors: solved, whole })
}
await algebra.release()
console.log(JSON.stringify(reports))
