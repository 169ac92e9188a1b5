import { readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import axe from 'axe-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Workplace } from '../helpers/commandLine'
import { type Desk, goTo, openDesk, removeTemporary, setLook } from './harness'

/*
 * Every page with real content, in both themes, against axe-core's rules.
 */

const work = new Workplace()
let desk: Desk
let run: string

beforeAll(async () => {
  const recipe = work.path('recipe.json')
  const sample = (file: string) => resolve('resources/sample', file)
  writeFileSync(
    recipe,
    JSON.stringify({
      version: 1,
      name: 'looked at',
      model: sample('model'),
      context: 128,
      calibration: { files: [sample('text/sotu-calibration.txt')], rows: 16 },
      evaluation: { files: [sample('text/sotu-evaluation.txt')], rows: 16 },
      variants: ['svd', 'quailora'].map((method) => ({ method, rank: 8 }))
    })
  )
  const imported = await work.quail('calibration', 'import', sample('text/moby-evaluation.txt'), '--name', 'moby')
  expect(imported.code, imported.stderr).toBe(0)
  const finished = await work.quail('run', recipe, '--out', work.path('adapters'))
  expect(finished.code, finished.stderr).toBe(0)
  run = readdirSync(join(work.home, 'runs'))[0] as string
  desk = await openDesk({ home: work.home })
}, 300_000)

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

interface Violation {
  readonly id: string
  readonly impact: string
  readonly help: string
  readonly nodes: readonly string[]
}

/** What axe finds that keeps somebody from using the page, as short as a test's message should be. */
async function violations(): Promise<Violation[]> {
  await desk.page.evaluate(axe.source)
  return desk.page.evaluate<Violation[]>(`axe.run().then(({ violations }) => violations
    .map(({ id, impact, help, nodes }) => ({
      id, impact, help, nodes: nodes.slice(0, 5).map(({ html, failureSummary }) => html.slice(0, 200) + ' ' + failureSummary)
    })))`)
}

interface Looked {
  readonly name: string
  readonly at: () => string
  /** What is opened there first. */
  readonly open?: () => Promise<void>
}

const PAGES: readonly Looked[] = [
  { name: 'home', at: () => '/' },
  { name: 'models', at: () => '/models' },
  {
    name: 'a model',
    at: () => '/models',
    open: async () => {
      await desk.page
        .getByRole('row')
        .filter({ hasText: /sample/i })
        .first()
        .click()
      await desk.page.waitForURL(/#\/models\/.+/)
    }
  },
  { name: 'data', at: () => '/data' },
  { name: 'a calibration set', at: () => '/data/moby' },
  { name: 'new run', at: () => '/new' },
  { name: 'runs', at: () => '/runs' },
  { name: 'a run', at: () => `/runs/${run}` },
  { name: 'a layer', at: () => `/runs/${run}/layers/model.layers.0.mlp.down_proj` },
  { name: 'compare', at: () => '/compare' },
  { name: 'a comparison', at: () => `/compare?runs=${run}` },
  { name: 'devices', at: () => '/devices' },
  { name: 'export', at: () => `/runs/${run}/export`, open: () => desk.page.getByRole('tab', { name: 'TRL' }).click() },
  ...['general', 'storage', 'diagnostics', 'shortcuts', 'about'].map((panel) => ({
    name: `settings: ${panel}`,
    at: () => `/settings?panel=${panel}`
  })),
  { name: 'the palette', at: () => '/', open: () => desk.page.keyboard.press('Control+k') }
]

describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
  test.each(PAGES)('$name can be used by everybody', async ({ at, open }) => {
    await setLook(desk, theme)
    await desk.page.keyboard.press('Escape')
    await goTo(desk, at())
    await desk.page.getByRole('heading', { level: 1 }).first().waitFor()
    await open?.()
    await expect.poll(() => desk.page.locator('.mantine-Skeleton-root').count()).toBe(0)
    await new Promise((done) => setTimeout(done, 300))
    expect(await violations()).toEqual([])
  })
})
