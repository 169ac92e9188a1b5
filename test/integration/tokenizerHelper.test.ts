import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Workplace } from '../helpers/commandLine'
import { blanks, modelThatEndsOverBlanks, modelWithTokenizer } from '../helpers/hostileTokenizers'
import { sampleModel, sampleText } from '../helpers/paths'

const work = new Workplace()

/** Makes 256 letters of one, which is as much as a tokenizer may do. */
const growing = modelWithTokenizer({
  normalizer: {
    type: 'Sequence',
    normalizers: Array.from({ length: 8 }, () => ({ type: 'Replace', pattern: { String: 'a' }, content: 'aa' }))
  }
})
writeFileSync(work.path('letters.txt'), 'aaaa '.repeat(120_000))
const plan = ['plan', '--model', growing, '--calibration', 'letters.txt', '--method', 'svd']

it('a tokenizer that takes all memory over a text is given up, or before, where that takes long, by its time', async () => {
  const { code, stderr } = await work.quail(...plan)
  expect(code).toBe(2)
  expect(stderr).toMatch(
    /^quail: letters\.txt, tokenized as .* says, was given up: (it takes more than \d+ MiB of memory|nothing more was done in \d+ seconds of processor time)\n$/
  )
})

it('a text over which the tokenizers library ends its process is refused by name', async () => {
  const model = modelThatEndsOverBlanks()
  writeFileSync(work.path('blanks.txt'), blanks())
  const { code, stderr } = await work.quail('plan', '--model', model, '--calibration', 'blanks.txt', '--method', 'svd')
  expect(code).toBe(2)
  expect(stderr).toMatch(
    /^quail: blanks\.txt, tokenized as .* says, cannot be used: the tokenizers library ends over it \(.*\)\n$/
  )
})

/** Those that a thread has started; none where it has ended since it was listed. */
function childrenOfThread(thread: string): string {
  try {
    return readFileSync(`${thread}/children`, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return ''
    throw error
  }
}

/** Processes that a process has started and that live. */
const childrenOf = (pid: number | undefined): number[] =>
  readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => childrenOfThread(`/proc/${pid}/task/${task}`).trim().split(' '))
    .filter((child) => child !== '')
    .map(Number)

it.runIf(existsSync('/proc/self/task'))('Ctrl-C ends a plan that tokenizes, and its helper', async () => {
  const planning = work.start(...plan)
  while (childrenOf(planning.child.pid).length === 0) await sleep(20)
  const helpers = childrenOf(planning.child.pid)
  planning.child.kill('SIGINT')
  expect(await planning.ended).toMatchObject({ code: 130, stderr: expect.stringContaining('quail: cancelled') })
  while (helpers.some((pid) => existsSync(`/proc/${pid}`))) await sleep(20)
})

it.runIf(existsSync('/proc/self/task'))('a helper that no processor is left for is waited for', async () => {
  writeFileSync(work.path('honest.txt'), readFileSync(sampleText('moby-evaluation.txt')))
  const planning = work.start('plan', '--model', sampleModel, '--calibration', 'honest.txt', '--method', 'svd')
  while (childrenOf(planning.child.pid).length === 0) await sleep(20)
  const [helper] = childrenOf(planning.child.pid) as [number]
  process.kill(helper, 'SIGSTOP')
  await sleep(9500) // it may work for 8 s
  process.kill(helper, 'SIGCONT')
  expect(await planning.ended).toMatchObject({ code: 0 })
})
