import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seededId, seedHome } from '../helpers/seedRuns'
import { answerOpenDialog, type Desk, goTo, openDesk, removeTemporary, temporaryFolder } from './harness'

let desk: Desk

beforeAll(async () => {
  const home = await temporaryFolder()
  desk = await openDesk({ home })
  await desk.close()
  await seedHome(home, 2)
  desk = await openDesk({ home, profile: desk.profile })
})

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

/** Opens a dialog from a button by keyboard, leaves it by Escape, and waits until the button has the focus again. */
async function leadsBack(button: Locator, choose: () => Promise<void> = async () => {}): Promise<void> {
  const { page } = desk
  await button.focus()
  await page.keyboard.press('Enter')
  await choose()
  await page.getByRole('dialog').waitFor()
  await expect.poll(() => page.getByRole('dialog').locator(':focus').count()).toBe(1)
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await expect.poll(() => button.and(page.locator(':focus')).count()).toBe(1)
}

describe('a dialog that is left by keyboard leads back to the button that opened it', () => {
  const button = (name: string | RegExp) => desk.page.getByRole('button', { name }).first()

  test('a sweep', async () => {
    await goTo(desk, '/new')
    await expect.poll(() => button('Make it a sweep…').isEnabled()).toBe(true)
    await leadsBack(button('Make it a sweep…'))
  })

  test('an import', async () => {
    const file = join(await temporaryFolder(), 'rows.txt')
    writeFileSync(file, 'A text.\n\nAnother.')
    await goTo(desk, '/data')
    await answerOpenDialog(desk, [file])
    await leadsBack(button('Import files…'))
  })

  test('name, tags and notes of a run, from a menu', async () => {
    const { page } = desk
    await goTo(desk, `/runs/${seededId(0)}`)
    await leadsBack(button(/^More for /), () =>
      page.getByRole('menuitem', { name: 'Name, tags, notes…' }).press('Enter')
    )
  })

  test('a new project, and the name of one, from a menu', async () => {
    const { page } = desk
    await goTo(desk, '/')
    await leadsBack(button('New project'))
    await page.evaluate("window.quail.call('projects.create', { name: 'Courts' })")
    await leadsBack(button('Actions for Courts'), () => page.getByRole('menuitem', { name: 'Rename…' }).press('Enter'))
  })

  test('a question', async () => {
    const { page } = desk
    await goTo(desk, `/runs/${seededId(0)}`)
    await leadsBack(button(/^More for /), () => page.getByRole('menuitem', { name: 'Delete…' }).press('Enter'))
  })

  test('the command palette', async () => {
    await goTo(desk, '/runs')
    await leadsBack(button(/^Search or do anything/))
  })
})

test('what is written in a dialog stays when somebody clicks beside it, or twice on the button that opens it', async () => {
  const { page } = desk
  await goTo(desk, '/')
  await page.getByRole('button', { name: 'New project' }).dblclick()
  const name = page.getByRole('dialog', { name: 'New project' }).getByRole('textbox', { name: 'Name' })
  await name.fill('Law')
  await page.mouse.click(20, 700)
  await name.fill('Laws')
  await expect.poll(() => name.inputValue()).toBe('Laws')
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
})
