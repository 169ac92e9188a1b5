import { Worker } from 'node:worker_threads'

/*
 * A reader that never returns keeps its thread from telling anybody. A second thread looks whether inputs go on, and when
 * one took a minute it names it and ends the process.
 */

const CODE = `
const { workerData } = require('node:worker_threads')
const { writeSync } = require('node:fs')
let seen = -1
setInterval(() => {
  const now = Atomics.load(workerData.counter, 0)
  if (now === seen) {
    writeSync(2, '\\nfuzzing hangs: ' + workerData.what + ', input ' + now + ', kept in ' + workerData.directory + '\\n')
    process.kill(process.pid, 'SIGKILL')
  }
  seen = now
}, 60000)
`

/** @returns `next`, to be called before each input, and `stop` */
export function watch(what: string, directory: string) {
  const counter = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(CODE, { eval: true, workerData: { counter, what, directory } })
  return { next: () => Atomics.add(counter, 0, 1), stop: () => worker.terminate() }
}
