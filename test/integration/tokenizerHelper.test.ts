import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { addTokenizer, copyCheckpoint } from '../helpers/checkpoints'
import { Workplace } from '../helpers/commandLine'
import { sampleModel } from '../helpers/paths'

const work = new Workplace()

/** The sample model, with changes to its tokenizer.json. */
function modelWith(changes: object): string {
  const model = copyCheckpoint(sampleModel)
  addTokenizer(model)
  const path = join(model, 'tokenizer.json')
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...changes }))
  return model
}

/** Makes 256 letters of one, which is as much as a tokenizer may do. */
const growing = modelWith({
  normalizer: {
    type: 'Sequence',
    normalizers: Array.from({ length: 8 }, () => ({ type: 'Replace', pattern: { String: 'a' }, content: 'aa' }))
  }
})
writeFileSync(work.path('letters.txt'), 'aaaa '.repeat(120_000))
const plan = ['plan', '--model', growing, '--calibration', 'letters.txt', '--method', 'svd']

it('a tokenizer that takes all memory over a text is given up, or before, where the machine is busy, by its time', async () => {
  const { code, stderr } = await work.quail(...plan)
  expect(code).toBe(2)
  expect(stderr).toMatch(
    /^quail: letters\.txt, tokenized by that of .* was given up: (it takes more than \d+ MiB of memory|nothing more was done for \d+ seconds)\n$/
  )
})

it('a text over which the tokenizers library ends its process is refused by name', async () => {
  // The regular expression of many published models looks through all blanks again when no line end is behind them.
  const Regex = String.raw`[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
  const split = { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false }
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
  const model = modelWith({ pre_tokenizer: { type: 'Sequence', pretokenizers: [split, bytes] } })
  writeFileSync(work.path('blanks.txt'), `a${' '.repeat(12_000_000)}b`)
  const { code, stderr } = await work.quail('plan', '--model', model, '--calibration', 'blanks.txt', '--method', 'svd')
  expect(code).toBe(2)
  expect(stderr).toMatch(/^quail: blanks\.txt, tokenized by that of .*: the tokenizers library ends over it \(.*\)\n$/)
})

/** Processes that a process has started and that live. */
const childrenOf = (pid: number | undefined): number[] =>
  readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' '))
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
