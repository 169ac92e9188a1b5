import type { Page } from 'playwright-core'

/** Does something in a page and returns the longest time between two frames meanwhile, in milliseconds. */
export async function frameGaps(page: Page, work: () => Promise<void>): Promise<number> {
  await page.evaluate(`(() => {
    const gaps = { worst: 0, last: performance.now(), running: true }
    window.frameGaps = gaps
    const tick = (now) => {
      gaps.worst = Math.max(gaps.worst, now - gaps.last)
      gaps.last = now
      if (gaps.running) requestAnimationFrame(tick)
    }
    requestAnimationFrame((now) => { gaps.last = now; requestAnimationFrame(tick) })
  })()`)
  await work()
  // What the last action set off belongs to it.
  await page.waitForTimeout(300)
  return page.evaluate(`(window.frameGaps.running = false, window.frameGaps.worst)`)
}
