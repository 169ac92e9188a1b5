// `npm run screenshots`: pictures of every page, light and dark, in docs/images, from the real window on real runs.
//
//   node scripts/screenshots.mjs [--fresh] [--out FOLDER] [--size 1024x700] [PAGE...]      all pages when none is named
//
// The runs take some minutes; they are kept below the system's temporary folder until --fresh.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runnerImport } from 'vite'
import { missingPackages } from './aptSetup.mjs'
import { ensureRuntime } from './electronRuntime.mjs'
import { withPalette } from './palettePng.mjs'

const root = resolve(import.meta.dirname, '..')
const stage = join(tmpdir(), 'quail-screenshots')
const home = join(stage, 'quail')
const hub = join(stage, 'huggingface')

const { flags, names } = readArguments(process.argv.slice(2))
const out = resolve(flags.get('--out') ?? join(root, 'docs/images'))
const [width, height] = (flags.get('--size') ?? '1280x800').split('x').map(Number)

if (!process.env.DISPLAY) {
  const args = ['-a', '-s', `-screen 0 1600x1200x24`, process.execPath, ...process.argv.slice(1)]
  process.exit(spawnSync('xvfb-run', args, { stdio: 'inherit', cwd: root }).status ?? 1)
}
if (missingPackages(['electron']).length > 0) process.exit(1)
await ensureRuntime()
run('npm', ['run', '--silent', 'build'])
prepare()

const { module: harness } = await runnerImport(join(root, 'test/e2e/harness.ts'))
const desk = await harness.openDesk({ home, env: { HF_HOME: hub } })
const runs = await ask('runs.list', {})
const named = (wanted) => runs.find(({ title, name }) => (title ?? name) === wanted)?.id
const sweep = named('methods')
const formats = named('formats')

/** Name of the picture → address of the page and what is done there before the picture is taken. */
const PAGES = {
  home: { at: '/' },
  models: { at: '/models' },
  model: { at: '/models', act: (page) => page.getByText('tiny-llama').first().click() },
  data: { at: '/data' },
  'data-set': { at: '/data/sotu' },
  'new-run': { at: '/new', act: (page) => page.getByText('Looking at model and texts').waitFor({ state: 'detached' }) },
  runs: { at: '/runs' },
  run: { at: `/runs/${sweep}` },
  'run-layers': { at: `/runs/${sweep}`, act: scrollTo('Layers') },
  layer: { at: `/runs/${sweep}/layers/model.layers.0.mlp.down_proj` },
  compare: { at: `/compare?runs=${runs.map(({ id }) => id).join(',')}` },
  export: {
    at: `/runs/${sweep}`,
    act: (page) =>
      page
        .getByRole('button', { name: /^export/i })
        .first()
        .click()
  },
  'run-formats': { at: `/runs/${formats}` },
  'export-formats': { at: `/runs/${formats}/export` },
  'compare-formats': { at: `/compare?runs=${formats}` },
  devices: { at: '/devices' },
  settings: { at: '/settings' },
  palette: { at: '/', act: (page) => page.keyboard.press('Control+k') }
}

function scrollTo(name) {
  return async (page) => {
    const heading = page.getByRole('heading', { name }).first()
    await heading.evaluate((element) => element.scrollIntoView({ block: 'start' }))
    await page.mouse.wheel(0, -70)
  }
}

mkdirSync(out, { recursive: true })
let failed = 0
for (const [name, { at, act }] of Object.entries(PAGES)) {
  if (names.length > 0 && !names.includes(name)) continue
  for (const theme of ['light', 'dark']) {
    await harness.setLook(desk, theme, { width, height })
    try {
      await harness.goTo(desk, '/no-page')
      await harness.goTo(desk, at)
      await desk.page.getByRole('heading', { level: 1 }).waitFor({ timeout: 10_000 })
      await settled(desk.page)
      await act?.(desk.page)
      await settled(desk.page)
    } catch (error) {
      failed++
      console.error(`${name}, ${theme}: ${String(error).split('\n')[0]}`)
    }
    writeFileSync(join(out, `${name}-${theme}.png`), withPalette(await desk.page.screenshot()))
    await desk.page.keyboard.press('Escape')
  }
}
for (const complaint of new Set(desk.complaints)) console.error(`the page complained: ${complaint}`)
await desk.close()
await harness.removeTemporary()
console.log(out)
process.exitCode = failed === 0 ? 0 : 1

/** Nothing loads and nothing moves. */
async function settled(page) {
  await page.waitForTimeout(350)
  await page.waitForFunction(
    () => document.querySelectorAll('.mantine-Skeleton-root[data-visible]').length === 0,
    null,
    {
      timeout: 20_000
    }
  )
  await page.waitForTimeout(350)
}

async function ask(name, input) {
  const answer = await desk.page.evaluate(([call, value]) => window.quail.call(call, value), [name, input])
  return answer.ok ? answer.value : []
}

/** Real runs of the sample model, as somebody would have them after a morning; what is there already is kept. */
function prepare() {
  if (flags.has('--fresh')) rmSync(stage, { recursive: true, force: true })
  const sample = join(root, 'resources/sample')
  const commit = '0123456789abcdef0123456789abcdef01234567'
  const model = join(hub, 'hub/models--quail--tiny-llama/snapshots', commit)
  const text = (name) => join(stage, 'texts', name)
  if (!existsSync(home)) {
    cpSync(join(sample, 'model'), model, { recursive: true })
    mkdirSync(join(model, '../../refs'))
    writeFileSync(join(model, '../../refs/main'), commit)
    cpSync(join(sample, 'text'), join(stage, 'texts'), { recursive: true })
    quail('calibration', 'import', text('sotu-calibration.txt'), '--name', 'sotu', '--split', 'paragraph')
    quail('calibration', 'import', text('moby-evaluation.txt'), '--name', 'moby-dick', '--split', 'paragraph')
  }
  const targets = ['q_proj', 'k_proj', 'v_proj', 'o_proj']
  const runs = {
    ranks: [4, 8, 16, 32, 64].flatMap((rank) => ['svd', 'quailora'].map((method) => ({ method, rank }))),
    'attention only': ['svd', 'exact'].map((method) => ({ method, rank: 16, targets })),
    formats: ['nf4', 'int8'].flatMap((format) =>
      ['svd', 'quailora'].map((method) => ({ method, rank: 16, quantizer: { format } }))
    ),
    methods: ['zero', 'svd', 'diag', 'quailora', 'exact'].map((method) => ({ method, rank: 16 }))
  }
  for (const [name, variants] of Object.entries(runs)) {
    const adapters = join(stage, 'adapters', name)
    if (existsSync(adapters)) continue
    const calibration = { files: [text('sotu-calibration.txt')] }
    const evaluation = { files: [text('sotu-evaluation.txt'), text('moby-evaluation.txt')] }
    const file = join(stage, `${name}.quail.json`)
    writeFileSync(file, JSON.stringify({ version: 1, name, model, calibration, evaluation, variants }))
    quail('run', file, '--out', adapters)
  }
}

function quail(...args) {
  run(process.execPath, [join(root, 'bin/quail.js'), ...args])
}

function run(program, args) {
  const env = { ...process.env, QUAIL_HOME: home, HF_HOME: hub }
  const { status } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 2, 2], env })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}`)
}

function readArguments(args) {
  const flags = new Map()
  const names = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]
    if (!arg.startsWith('--')) names.push(arg)
    else flags.set(arg, ['--out', '--size'].includes(arg) ? args[++i] : true)
  }
  return { flags, names }
}
