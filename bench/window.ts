import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { _electron, type ElectronApplication, type Page } from 'playwright-core'
import type { BenchOptions, Section } from './section'
import { duration, median } from './statistics'

const READY_LIMIT_SECONDS = 3
const DELAY_LIMIT_MS = 50
const STARTS = 5
/** How often main's event loop is looked at; what a timer is late by, is its delay. */
const RESOLUTION_MS = 2
const RUN_LIMIT_MS = 10 * 60_000
const ENDED = new Set(['completed', 'failed', 'interrupted'])

interface Delays {
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly seconds: number
}

/** How soon the window can be used, and how late main answers while the engine works at full load. */
export async function measureWindow({ folder, quick }: BenchOptions): Promise<Section> {
  const title = 'The window'
  const program = resolve('.electron/dist/electron')
  if (!existsSync(program) || !existsSync('out/main/index.js') || process.env.DISPLAY === undefined) {
    const text = [
      'Not measured: it needs a build (`npm run build`), the runtime (`npm run setup:runtime`) and a display.'
    ]
    return { title, text, columns: ['what', 'measured'], rows: [], verdicts: [] }
  }
  const starts: number[] = []
  for (let i = 0; i < (quick ? 1 : STARTS); i++) {
    const { app, seconds } = await open(program, join(folder, 'home'))
    starts.push(seconds)
    await app.close()
  }
  const { app, page } = await open(program, join(folder, 'home'))
  const idle = await delaysDuring(app, () => page.waitForTimeout(quick ? 1000 : 10_000))
  const busy = await delaysDuring(app, () => runSample(page))
  await app.close()
  const ready = median(starts)
  return {
    title,
    text: [
      `The time from the start of the program to the first page with its content, ${starts.length} times on a home that is not new; and by how much timers of the main process are late (\`monitorEventLoopDelay\`, every ${RESOLUTION_MS} ms), while nothing happens and while the sample's run works on all cores, from its start to its last result. Under Xvfb, without a graphics card.`
    ],
    columns: ['what', 'median', '99th percentile', 'longest'],
    rows: [
      ['program to usable window', duration(ready), '', duration(Math.max(...starts))],
      [`delay in main, idle for ${idle.seconds.toFixed(0)} s`, ...figures(idle)],
      [`delay in main, run of ${busy.seconds.toFixed(0)} s`, ...figures(busy)]
    ],
    verdicts: [
      {
        what: 'time until the window is usable',
        limit: `${READY_LIMIT_SECONDS} s`,
        measured: duration(ready),
        met: ready < READY_LIMIT_SECONDS
      },
      {
        what: 'delay in main while a run works, 99th percentile',
        limit: `${DELAY_LIMIT_MS} ms`,
        measured: milliseconds(busy.p99),
        met: busy.p99 < DELAY_LIMIT_MS
      }
    ]
  }
}

const milliseconds = (value: number): string => `${value.toFixed(1)} ms`
const figures = ({ p50, p99, max }: Delays): string[] => [p50, p99, max].map(milliseconds)

async function open(program: string, home: string): Promise<{ app: ElectronApplication; page: Page; seconds: number }> {
  const profile = await mkdtemp(`${home}-profile-`)
  const started = performance.now()
  const app = await _electron.launch({
    executablePath: program,
    args: ['.', '--no-sandbox', '--disable-gpu'],
    env: { ...(process.env as Record<string, string>), QUAIL_HOME: home, XDG_CONFIG_HOME: profile }
  })
  const page = await app.firstWindow()
  await page.getByRole('region', { name: 'Projects' }).waitFor()
  return { app, page, seconds: (performance.now() - started) / 1000 }
}

/** The delays of main's event loop while `work` goes on. */
async function delaysDuring(app: ElectronApplication, work: () => Promise<void>): Promise<Delays> {
  await app.evaluate((_electronModule, resolution) => {
    const { monitorEventLoopDelay } = process.getBuiltinModule('node:perf_hooks')
    const histogram = monitorEventLoopDelay({ resolution })
    histogram.enable()
    Object.assign(globalThis, { histogram, histogramFrom: performance.now() })
  }, RESOLUTION_MS)
  await work()
  const raw = await app.evaluate(() => {
    const { histogram, histogramFrom } = globalThis as unknown as {
      histogram: import('node:perf_hooks').IntervalHistogram
      histogramFrom: number
    }
    histogram.disable()
    return {
      p50: histogram.percentile(50) / 1e6,
      p99: histogram.percentile(99) / 1e6,
      max: histogram.max / 1e6,
      seconds: (performance.now() - histogramFrom) / 1000
    }
  })
  // What is recorded is the time between two looks, so an undelayed loop shows the resolution itself.
  const late = (value: number): number => Math.max(0, value - RESOLUTION_MS)
  return { p50: late(raw.p50), p99: late(raw.p99), max: late(raw.max), seconds: raw.seconds }
}

/** Starts the sample's run through the window, stays on its page, and waits for its end. */
async function runSample(page: Page): Promise<void> {
  const id = await page.evaluate<string>(
    `window.quail.call('projects.startSample', {}).then((answer) => answer.ok ? answer.value.run : Promise.reject(new Error(answer.error.message)))`
  )
  await page.evaluate(`void (location.hash = ${JSON.stringify(`#/runs/${id}`)})`)
  const status = `window.quail.call('runs.get', { id: ${JSON.stringify(id)} }).then(({ ok, value }) => ok ? value.status : '')`
  const until = Date.now() + RUN_LIMIT_MS
  while (!ENDED.has(await page.evaluate<string>(status))) {
    if (Date.now() > until) throw new Error(`the sample's run has not ended after ${RUN_LIMIT_MS / 60_000} minutes`)
    await page.waitForTimeout(1000)
  }
}
