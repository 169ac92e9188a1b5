// Prints what plans say of memory beside what runs take:
// node bench/plannedMemory.mjs [--contexts 256,2048] [--megabytes 1,10] [--samples 100] [--rounds 3]; a sample of so many
// megabytes is a line. Peaks vary with the moments at which garbage is collected: the largest of the rounds is told.
//
// Linux alone tells the resident sets of a program and of its helper; both are added up at each moment. `npm run build` first.
import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    contexts: { type: 'string' },
    megabytes: { type: 'string' },
    samples: { type: 'string' },
    rounds: { type: 'string', default: '3' }
  }
})
const numbers = (text) => text.split(',').filter(Boolean).map(Number)
const contexts = numbers(values.contexts ?? '256,1024,4096,8192')
const megabytes = numbers(values.megabytes ?? '1,10,100')
const samples = numbers(values.samples ?? '100')

const root = resolve(import.meta.dirname, '..')
const work = mkdtempSync(join(tmpdir(), 'quail-memory-'))
const sample = join(root, 'resources/sample')

/** The sample with more positions than it was trained on: its memory is that of a model that has them. */
function modelOf(positions) {
  const directory = mkdtempSync(join(work, 'model-'))
  for (const name of readdirSync(join(sample, 'model')))
    copyFileSync(join(sample, 'model', name), join(directory, name))
  const config = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'))
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ ...config, max_position_embeddings: positions }))
  return directory
}

function textOf(bytes) {
  const path = join(work, `${bytes}.txt`)
  writeFileSync(path, wordsOf(bytes))
  return path
}

function sampleOf(bytes) {
  const path = join(work, `${bytes}.jsonl`)
  writeFileSync(path, JSON.stringify({ text: wordsOf(bytes) }))
  return path
}

function wordsOf(bytes) {
  const words = readFileSync(join(sample, 'text/moby-evaluation.txt'), 'utf8')
  return words.repeat(Math.ceil(bytes / words.length)).slice(0, bytes)
}

const read = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // it has ended
  }
}

function residentKib(pid) {
  const own = Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)
  let tasks = []
  try {
    tasks = readdirSync(`/proc/${pid}/task`)
  } catch {}
  const children = tasks.flatMap((task) => read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean))
  return own + children.reduce((sum, child) => sum + residentKib(child), 0)
}

function quail(...args) {
  const child = spawn(join(root, 'bin/quail.js'), args, {
    env: { ...process.env, QUAIL_HOME: join(work, 'home') }
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data) => (stdout += data))
  child.stderr.on('data', (data) => (stderr += data))
  let peak = 0
  const watch = setInterval(() => {
    peak = Math.max(peak, 1024 * residentKib(child.pid))
  }, 20)
  return new Promise((done, fail) => {
    child.on('close', (code) => {
      clearInterval(watch)
      if (code === 0) done({ stdout, peak })
      else fail(new Error(stderr))
    })
  })
}

const mib = (bytes) => Math.round(bytes / 2 ** 20)

async function compare(label, options) {
  const { peakMemoryBytes: planned } = JSON.parse((await quail('plan', ...options, '--json')).stdout)
  let peak = 0
  for (let round = 0; round < Number(values.rounds); round++) {
    const out = mkdtempSync(join(work, 'out-'))
    peak = Math.max(peak, (await quail('init-lora', ...options, '--out', out, '--quiet')).peak)
  }
  console.log(`${label.padEnd(24)} printed ${mib(planned)} MiB, took ${mib(peak)} MiB: ${(peak / planned).toFixed(2)}`)
}

const text = join(sample, 'text/sotu-calibration.txt')
const common = ['--method', 'svd', '--rank', '4', '--calibration-rows', '2']
for (const context of contexts) {
  const options = ['--model', modelOf(context), '--calibration', text, '--context', String(context), ...common]
  await compare(`context ${context}`, [...options, '--evaluation', text, '--evaluation-rows', '1'])
}
const short = ['--model', join(sample, 'model'), ...common]
for (const size of megabytes) await compare(`text of ${size} MB`, [...short, '--calibration', textOf(1e6 * size)])
for (const size of samples) await compare(`sample of ${size} MB`, [...short, '--calibration', sampleOf(1e6 * size)])
rmSync(work, { recursive: true })
