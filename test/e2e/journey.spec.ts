import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerOpenDialog, type Desk, goTo, openDesk, removeTemporary, temporaryFolder } from './harness'

/*
 * What somebody does who opens Quail for the first time: the sample, its results, an adapter in a folder of their own.
 */

const MINUTES = 60_000

let desk: Desk

beforeAll(async () => {
  desk = await openDesk()
})

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

describe('the first day', () => {
  test(
    'the sample is run in one click, and its results come while one watches',
    async () => {
      const { page } = desk
      await page.getByRole('button', { name: 'Run the sample' }).click()
      await page.waitForURL(/#\/runs\/\d{8}-/)
      await page.getByRole('progressbar').first().waitFor({ timeout: 120_000 })
      await page.getByRole('gridcell', { name: /block 0, self_attn\.q_proj: \d+ %/ }).waitFor({ timeout: 10 * MINUTES })
      await page
        .getByText(/closes [\d.]+ ± [\d.]+ % of the/)
        .first()
        .waitFor({ timeout: 20 * MINUTES })
    },
    25 * MINUTES
  )

  test('the proof is the method’s: calibrated methods close more of the gap than blind ones', async () => {
    const sentence = await desk.page.getByTestId('sentence').textContent()
    expect(sentence).toMatch(/^[a-z]+-r16 closes \d+(\.\d+)? ± \d+(\.\d+)? % of the/)
    const closed = Number(/closes ([\d.]+) ± /.exec(sentence ?? '')?.[1])
    expect(closed).toBeGreaterThan(50)
    expect(closed).toBeLessThan(80)
  })

  test(
    'an adapter is copied to a folder of one’s own, and the check accepts it on its base',
    async () => {
      const { page } = desk
      const adapter = await temporaryFolder('quail-mine-')
      await answerOpenDialog(desk, [adapter])
      await page
        .getByRole('link', { name: /^Export/ })
        .or(page.getByRole('button', { name: /^Export…?$/ }))
        .first()
        .click()
      await page.getByRole('button', { name: 'Copy adapter to…' }).click()
      await page.getByText('Copied and read back').waitFor({ timeout: 120_000 })
      // An empty folder becomes the adapter; in any other it gets a folder of its own.
      expect(readdirSync(adapter)).toContain('adapter_config.json')
      const config = JSON.parse(readFileSync(join(adapter, 'adapter_config.json'), 'utf8')) as { r: number }
      expect(config.r).toBe(16)
      const verify = ['bin/quail.js', 'verify', adapter, '--model', resolve('resources/sample/model')]
      const env = { ...process.env, QUAIL_HOME: await temporaryFolder() }
      await expect(promisify(execFile)('node', verify, { env })).resolves.toBeDefined()
      const elsewhere = verify.with(-1, resolve('test/fixtures/golden/families/llama'))
      await expect(promisify(execFile)('node', elsewhere, { env })).rejects.toThrow()
    },
    5 * MINUTES
  )

  test('another run on these texts says before, while and after it works that it skips calibration', async () => {
    const { page } = desk
    await goTo(desk, '/new')
    const estimate = page.locator('[data-moments="used"]')
    const words = /of an earlier run, [\d.]+ [KM]iB: calibration is skipped/
    await expect.poll(() => estimate.textContent()).toMatch(words)
    await page.getByRole('button', { name: /^Start/ }).click()
    await page.getByText('Calibration is skipped: second moments of an earlier run are read.').waitFor()
    await page.getByRole('button', { name: /^Environment/ }).click()
    await page.getByText(words).waitFor()
  })

  test('home shows the result, and nothing was complained about', async () => {
    const { page } = desk
    await page.getByRole('link', { name: 'Home' }).click()
    await page.getByRole('region', { name: 'Projects' }).getByText('Sample', { exact: true }).waitFor()
    expect(desk.complaints).toEqual([])
  })
})
