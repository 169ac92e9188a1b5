import { type MessagePort, parentPort } from 'node:worker_threads'
import { serializeError } from '../../shared/errors'
import { collectGarbage } from '../graph/collectGarbage'
import { LinearAlgebra } from '../graph/linearAlgebra'
import { SecondMoment } from '../methods/secondMoment'
import { solveLinear } from './solveLinear'
import { type FromSolver, memoryOf, type ToSolver } from './solverProtocol'

/*
 * Main of a solver thread: solves the linears that it is given, one at a time, on the processor, until it is told to close.
 */

function serve(port: MessagePort): void {
  const algebra = new LinearAlgebra('cpu')
  port.on('message', async (message: ToSolver) => {
    if (message.kind === 'close') {
      await algebra.release()
      port.close()
      return
    }
    try {
      const solved = await solve(algebra, message)
      port.postMessage(solved, memoryOf([solved.weight, solved.H, ...arraysOf(solved)]))
    } catch (error) {
      port.postMessage({ kind: 'failed', error: serializeError(error) } satisfies FromSolver)
    }
    collectGarbage()
  })
}

type Solved = Extract<FromSolver, { kind: 'solved' }>

async function solve(
  algebra: LinearAlgebra,
  { task, H, options }: Extract<ToSolver, { kind: 'solve' }>
): Promise<Solved> {
  const size = task.linear.inFeatures
  const moment = new SecondMoment({ data: H, rows: size, cols: size })
  const linear = await solveLinear(algebra, { ...task, moment }, options)
  return { kind: 'solved', linear, weight: task.weight, H }
}

const arraysOf = ({ linear: { Q, solved } }: Solved): Float32Array[] => [
  ...(Q instanceof Float32Array ? [Q] : []),
  ...solved.flatMap(({ factors: { loraA, loraB } }) => [loraA.data, loraB.data])
]

if (parentPort !== null) serve(parentPort)
