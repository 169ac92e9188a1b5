import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  answerOpenDialog,
  type Desk,
  dropPaths,
  goTo,
  openDesk,
  removeTemporary,
  setLook,
  temporaryFolder
} from './harness'

let desk: Desk
let folder: string

beforeAll(async () => {
  folder = await temporaryFolder()
  desk = await openDesk()
})

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

/** Imports a file through the dialog; returns what the drawer said of left-out rows before it was stored. */
async function importFile(path: string, change: () => Promise<void> = async () => {}): Promise<string[]> {
  const { page } = desk
  await goTo(desk, '/data')
  await answerOpenDialog(desk, [path])
  await page.getByRole('button', { name: 'Import files…' }).first().click()
  const drawer = page.getByRole('dialog', { name: 'Import a calibration set' })
  await drawer.getByRole('heading', { name: 'First samples' }).waitFor()
  await change()
  const bad = await drawer.getByRole('row').allInnerTexts()
  await drawer.getByRole('button', { name: 'Store the set' }).click()
  await page.waitForURL(/#\/data\/.+/)
  return bad.map((text) => text.replaceAll(/\s+/g, ' '))
}

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

describe('a file with a bad row is imported, and the row is named', () => {
  const chat = (question: string) => JSON.stringify({ messages: [{ role: 'user', content: question }] })

  test.each([
    [
      'lines.jsonl',
      '{"text":"one sample"}\nnot json\n{"text":"another"}\n',
      'row 2 not JSON: it has "n" where a value was expected (character 0)',
      '2 samples of text'
    ],
    ['chats.jsonl', `${chat('who?')}\n{"messages":[]}\n`, 'row 2 "messages" has no turn', '1 sample of conversations'],
    ['list.json', '[{"text":"a"},{"text":7}]', 'row 2 "text" is not a string', '1 sample of text'],
    ['table.csv', 'text,n\n"two\nlines",1\nalone\n', 'row 2 1 field, the heading has 2', '1 sample of text'],
    ['table.tsv', 'prompt\tcompletion\nhow?\tso\nwhy?\t\n', 'row 2 "completion" is empty', '1 sample of conversations']
  ])('%s', async (name, content, bad, sentence) => {
    expect(await importFile(await file(name, content))).toEqual([bad])
    await desk.page.getByText(sentence).waitFor()
  })

  test('chat.parquet', async () => {
    const bad = await importFile(resolve('test/fixtures/samples/chat.parquet'))
    expect(bad).toEqual(['row 5 "messages" has no turn', 'row 8 "messages" is not a list of turns'])
    await desk.page.getByText('10 samples of conversations').waitFor()
  })

  test('columns of other names are chosen by the person', async () => {
    const { page } = desk
    const path = await file('faq.csv', 'id,question,answer\n7,what?,that\n')
    await importFile(path, async () => {
      await page.getByRole('combobox', { name: 'A row holds' }).click()
      await page.getByRole('option', { name: 'Prompt, completion' }).click()
      await page.getByRole('article', { name: 'Row 1' }).getByText('that').waitFor()
    })
    await page.getByText('1 sample of conversations').waitFor()
  })
})

test('names without a space break where they have to, and a set is called by the beginning of one', async () => {
  const { page } = desk
  await setLook(desk, 'light', { width: 820, height: 800 })
  const path = await file(`${'speeches-of-'.repeat(19)}.csv`, `id,${'column_'.repeat(30)}\n1,A text.\n`)
  await importFile(path, async () => {
    const drawer = page.getByRole('dialog', { name: 'Import a calibration set' })
    await drawer.getByText('These columns have no names that Quail knows').waitFor()
    await page.getByRole('combobox', { name: 'A row holds' }).click()
    await page.getByRole('option', { name: 'Text', exact: true }).click()
    await drawer.getByText(/^Columns that are not used: /).waitFor()
    const [room, content] = (await page.evaluate(
      `[...document.querySelectorAll('.mantine-Drawer-content, .mantine-Drawer-content *')]
        .filter((element) => element.scrollWidth > element.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(element).overflowX))
        .map((element) => [element.clientWidth, element.scrollWidth])[0] ?? [1, 1]`
    )) as [number, number]
    expect(content).toBe(room)
    await page.getByRole('combobox', { name: 'Column of text' }).click()
    await page.getByRole('option', { name: /^column_/ }).click()
    await page.getByRole('article', { name: 'Row 1' }).getByText('A text.').waitFor()
  })
  await page.getByRole('heading', { level: 1, name: 'speeches-of-'.repeat(19).slice(0, 100) }).waitFor()
  await setLook(desk, 'light')
})

test('what stands beside the turns is shown, and what is not used is named', async () => {
  const { page } = desk
  const row =
    '{"id":1,"system":"Like a sailor.","conversations":[{"from":"human","value":"Where?"},{"from":"function_call","value":"{\\"name\\":\\"find\\",\\"arguments\\":{\\"depth\\":20.0}}"},{"from":"observation","value":"1"},{"from":"gpt","value":"Below."}],"tools":"[{\\"name\\":\\"find\\"}]"}'
  await importFile(await file('sailor.json', `${row}\n${row}\n`), async () => {
    await page.getByText('Columns that are not used: id.').waitFor()
    const sample = page.getByRole('article', { name: 'Row 1' })
    for (const text of ['{"name": "find"}', 'Like a sailor.', 'Where?', 'calls find({"depth": 20.0})', 'Below.'])
      await sample.getByText(text, { exact: true }).waitFor()
    if (process.env.QUAIL_SHOTS) await page.screenshot({ path: process.env.QUAIL_SHOTS })
  })
  await page.getByText('2 samples of conversations').waitFor()
})

test('a file that cannot be used says why, and stores nothing', async () => {
  const { page } = desk
  await dropPaths(desk, [await file('broken.json', '[{"text":"a"}')])
  await page.getByText('The file cannot be imported').waitFor()
  await page.getByText(/broken\.json is not valid JSON/).waitFor()
  await page.keyboard.press('Escape')
})

test('a packed file that is not unpacked says by what it is packed; it is no folder of a model', async () => {
  const { page } = desk
  const path = join(folder, 'packed.jsonl.zst')
  await writeFile(path, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]))
  await dropPaths(desk, [path])
  await page.getByText(/packed\.jsonl\.zst is packed by zstd, not a text; unpack it/).waitFor()
  await page.keyboard.press('Escape')
})

test.each([
  ['sheet.xlsx', 'PK\x03\x04\0', /sheet\.xlsx is a workbook; save its sheet as CSV/],
  ['texts.zip', 'PK\x03\x04\0', /texts\.zip is packed by zip, not a text; unpack it/],
  ['rows.arrow', 'ARROW1\0\0', /rows\.arrow is a table of Arrow; write it as Parquet/],
  ['notes.dat', 'a\0b', /notes\.dat is not a text file/]
])('a dropped file of another kind goes to the import, which says what it is: %s', async (name, content, told) => {
  const { page } = desk
  await goTo(desk, '/runs')
  await dropPaths(desk, [await file(name, content)])
  await page.getByRole('dialog', { name: 'Import a calibration set' }).getByText(told).first().waitFor()
  await page.keyboard.press('Escape')
})

test('a text dropped on the window is cut, stored, and shown in the exact tokens of a model', async () => {
  const { page } = desk
  await goTo(desk, '/')
  await dropPaths(desk, [resolve('resources/sample/text/sotu-calibration.txt')])
  const drawer = page.getByRole('dialog', { name: 'Import a calibration set' })
  await drawer.getByText('Paragraphs').click()
  await drawer.getByRole('textbox', { name: 'Name of the set' }).fill('addresses')
  await drawer.getByRole('button', { name: 'Store the set' }).click()
  await page.waitForURL(/#\/data\/addresses$/)
  const tokens = page.getByRole('list', { name: 'Tokens of row 1' }).getByRole('listitem')
  await tokens.first().waitFor()
  await expect.poll(() => tokens.count()).toBe(256)
  await page.getByRole('textbox', { name: 'Context' }).fill('4096')
  await tokens.nth(4095).waitFor({ state: 'attached' })
  const marks = await page.evaluate(`[...document.querySelectorAll('ol > li')].map((item) => item.dataset.kind)`)
  expect(new Set(marks as string[])).toEqual(new Set(['plain', 'pad']))
  await page.getByText('Packed', { exact: true }).click()
  await page.getByText('pad, masked (0)').waitFor()
  await expect.poll(() => page.getByText(/not counted/).count()).toBe(0)
  await page.getByRole('switch', { name: 'Count first tokens' }).click()
  await page.getByText('not counted (1)').waitFor()
  await expect.poll(() => tokens.first().getAttribute('data-kind')).toBe('left-out')
})

test('conversations need a template, which the sample model has not', async () => {
  await goTo(desk, '/data/chats')
  await desk.page.getByText(/has no chat template/).waitFor()
})

test('several files that are dropped are imported one after another', async () => {
  const { page } = desk
  const [first, second] = [
    await file('one.txt', 'First words.'),
    await file('two.jsonl', '{"text":"a"}\n{"text":"b"}\n')
  ]
  await goTo(desk, '/data')
  await dropPaths(desk, [first, second])
  const store = page.getByRole('button', { name: 'Store the set' })
  await page.getByRole('dialog', { name: 'Import a calibration set (1 of 2)' }).waitFor()
  await store.click()
  await page.getByRole('dialog', { name: 'Import a calibration set (2 of 2)' }).waitFor()
  await page.getByText(/^JSON, \d/).waitFor()
  await store.click()
  await page.getByRole('link', { name: 'two', exact: true }).waitFor()
  await page.getByRole('link', { name: 'one', exact: true }).waitFor()
})

test('a share of a set is held out for evaluation', async () => {
  const { page } = desk
  await goTo(desk, '/data/addresses')
  await page.getByRole('button', { name: 'Hold out…' }).click()
  await page.getByRole('button', { name: 'Hold out', exact: true }).click()
  await page.waitForURL(/#\/data\/addresses-evaluation$/)
  await page.getByRole('tab', { name: 'Provenance' }).click()
  await page.waitForURL(/#\/data\/addresses-evaluation\?tab=facts$/)
  await page.getByText('the evaluation part of addresses: 10.0 % held out, seed 0').waitFor()
})

test('a set is deleted after a question that names what is lost', async () => {
  const { page } = desk
  await goTo(desk, '/data/addresses')
  await page.getByRole('button', { name: 'Delete…' }).click()
  const question = page.getByRole('dialog', { name: 'Delete addresses?' })
  await question.getByText(/samples with .* characters are removed/).waitFor()
  await question.getByRole('button', { name: 'Delete the set' }).click()
  await page.waitForURL(/#\/data$/)
  await page.getByRole('table', { name: 'Calibration sets' }).waitFor()
  await expect.poll(() => page.getByRole('link', { name: 'addresses', exact: true }).count()).toBe(0)
})
