import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { builtCli } from '../helpers/commandLine'
import { modelWithTokenizer } from '../helpers/hostileTokenizers'
import { answerOpenDialog, type Desk, openDesk, removeTemporary, temporaryFolder } from './harness'

/*
 * Inputs that keep whoever reads them busy for long. While the engine is at one, the other pages get their answers, and the
 * window quits. QUAIL_HOSTILE names a folder of more of them (models in folders, files of samples beside).
 */

afterAll(removeTemporary)

const SAMPLE = resolve('resources/sample/model')
const TEXT = resolve('resources/sample/text/moby-evaluation.txt')

interface Hostile {
  /** What a dialog grants. */
  readonly kind: 'model' | 'texts'
  readonly path: string
  readonly call: string
  readonly input: object
}

const preview = (path: string): Hostile => ({
  kind: 'model',
  path,
  call: 'calibration.preview',
  input: { name: 'chats', model: path, policy: 'padded', context: 64, rows: 1, row: 0 }
})

const preflight = (path: string): Hostile => ({
  kind: 'model',
  path,
  call: 'plan.preflight',
  input: {
    recipe: { version: 1, model: path, calibration: { set: 'text' }, variants: [{ method: 'svd', rank: 4 }] },
    out: null,
    flopsPerSecond: null
  }
})

const inspect = (path: string): Hostile => ({
  kind: 'texts',
  path,
  call: 'calibration.inspect',
  input: { file: path }
})

async function changedModel(change: (folder: string) => void): Promise<string> {
  const folder = await temporaryFolder()
  cpSync(SAMPLE, folder, { recursive: true })
  change(folder)
  return folder
}

/** Half of what a template may do for one conversation, for each of hundreds. */
const slowTemplate = (): Promise<string> =>
  changedModel((folder) => {
    const loops = '{% for i in range(2000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}x'
    writeFileSync(join(folder, 'chat_template.jinja'), loops)
  })

/** An expression that looks through all of a word for each of its letters, and a word without end. */
const slowTokenizer = (): string =>
  modelWithTokenizer({
    normalizer: { type: 'Prepend', prepend: 'a'.repeat(100_000) },
    pre_tokenizer: { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false }
  })

const countlessLayers = (): Promise<string> =>
  changedModel((folder) => {
    const path = join(folder, 'config.json')
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), num_hidden_layers: 1e9 }))
  })

async function countlessColumns(): Promise<string> {
  const path = join(await temporaryFolder(), 'columns.csv')
  const row = (cell: (i: number) => string): string => Array.from({ length: 100_000 }, (_, i) => cell(i)).join()
  writeFileSync(path, [row((i) => `column ${i}`), ...Array.from({ length: 20 }, () => row(() => 'x'))].join('\n'))
  return path
}

/** Every model of a folder beside what the sample has, and every file. */
async function more(folder: string): Promise<[string, Hostile[]][]> {
  const found: [string, Hostile[]][] = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isFile()) found.push([entry.name, [inspect(path)]])
    else {
      const model = await changedModel((made) => {
        for (const name of readdirSync(path)) copyFileSync(join(path, name), join(made, name))
      })
      found.push([entry.name, [preview(model), preflight(model)]])
    }
  }
  return found
}

/** A home with a set of conversations and one of text. */
async function homeWithSets(): Promise<string> {
  const home = await temporaryFolder()
  const chats = join(await temporaryFolder(), 'chats.jsonl')
  writeFileSync(chats, `${JSON.stringify({ messages: [{ role: 'user', content: 'a' }] })}\n`.repeat(500))
  for (const [file, name] of [
    [chats, 'chats'],
    [TEXT, 'text']
  ]) {
    const args = [builtCli, 'calibration', 'import', `${file}`, '--name', `${name}`]
    expect(spawnSync(process.execPath, args, { env: { ...process.env, QUAIL_HOME: home } }).status).toBe(0)
  }
  return home
}

const ask = <T>({ page }: Desk, name: string, input: object): Promise<T> =>
  page.evaluate(
    `window.quail.call(${JSON.stringify(name)}, ${JSON.stringify(input)}).then((a) => { if (!a.ok) throw new Error(a.error.message); return a.value })`
  ) as Promise<T>

/** What is said of these inputs. */
const SAYS = /template|regular expression|nested|num_hidden_layers|columns|smaller pages|footer/

/** What the other pages ask for. */
const OTHERS = ['projects.list', 'runs.list', 'models.list', 'calibration.list', 'settings.get', 'queue.state']

const cases: [string, Hostile[]][] = [
  ['a chat template of many steps', [preview(await slowTemplate())]],
  ['a tokenizer whose expression explodes', [preflight(slowTokenizer())]],
  ['a billion layers', [preflight(await countlessLayers())]],
  ['a table of a hundred thousand columns', [inspect(await countlessColumns())]],
  ...(process.env.QUAIL_HOSTILE ? await more(process.env.QUAIL_HOSTILE) : [])
]

test.each(cases)('%s keeps no page waiting, nor the window from its end', async (name, inputs) => {
  const desk = await openDesk({ home: await homeWithSets() })
  const outcomes: string[] = []
  for (const { kind, path, call, input } of inputs) {
    await answerOpenDialog(desk, [path])
    await ask(desk, 'app.pick', { kind })
    const answered = ask(desk, call, input)
    void answered.then(
      (answer) => outcomes.push(JSON.stringify(answer)),
      (error: Error) => outcomes.push(error.message) // the window may be gone before
    )
  }
  const beganMs = performance.now()
  let slowestMs = 0
  for (const other of OTHERS) {
    const askedMs = performance.now()
    expect(await ask(desk, other, {}), other).toBeDefined()
    slowestMs = Math.max(slowestMs, performance.now() - askedMs)
  }
  // Who has an answer already read the file, and was not refused before.
  for (const outcome of outcomes) expect(outcome).toMatch(SAYS)
  const closingMs = performance.now()
  await desk.close()
  const closedMs = performance.now() - closingMs
  const [slowest, closed, all] = [slowestMs, closedMs, closingMs - beganMs].map((ms) => `${Math.round(ms)} ms`)
  console.log(
    `${name}: ${outcomes.length === inputs.length ? 'read' : 'under way'}; the slowest of ${OTHERS.length} answers ${slowest}, all ${all}; closed in ${closed}`
  )
})
