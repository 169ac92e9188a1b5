import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { blanks, modelThatEndsOverBlanks } from '../helpers/hostileTokenizers'
import { answerOpenDialog, type Desk, openDesk, removeTemporary, temporaryFolder } from './harness'

/*
 * An engine process that hears nothing any more, whatever keeps it busy: stopped by the system here, as a loop without end
 * would stop it. The window ends all the same, and the engine can be started anew.
 */

afterAll(removeTemporary)

const ask = <T>({ page }: Desk, name: string, input: object): Promise<T> =>
  page.evaluate(
    `window.quail.call(${JSON.stringify(name)}, ${JSON.stringify(input)}).then((a) => { if (!a.ok) throw new Error(a.error.message); return a.value })`
  ) as Promise<T>

/** The ids of a desk's processes of a name. */
const processesOf = ({ app }: Desk, wanted: string): Promise<number[]> =>
  app.evaluate(
    ({ app: electron }, wanted) => electron.getAppMetrics().flatMap(({ name, pid }) => (name === wanted ? pid : [])),
    wanted
  )

/** Stops the engine process of a desk; its id. */
async function stopEngine(desk: Desk): Promise<number> {
  const [pid] = await processesOf(desk, 'Quail engine')
  if (pid === undefined) throw new Error('there is no engine process')
  process.kill(pid, 'SIGSTOP')
  return pid
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** A run that the queue has begun. */
async function beginRun(desk: Desk): Promise<string> {
  const text = (name: string) => resolve('resources/sample/text', name)
  const { id } = await ask<{ id: string }>(desk, 'queue.enqueue', {
    recipe: {
      version: 1,
      model: resolve('resources/sample/model'),
      context: 256,
      calibration: { files: [text('sotu-calibration.txt')], rows: 500 },
      variants: [{ method: 'quailora', rank: 8 }]
    }
  })
  const state = () => ask<{ running: { id: string } | null }>(desk, 'queue.state', {})
  await expect.poll(async () => (await state()).running?.id).toBe(id)
  return id
}

test('the window quits when the engine hears nothing', async () => {
  const desk = await openDesk()
  const pid = await stopEngine(desk)
  await desk.close()
  expect(isAlive(pid)).toBe(false)
})

test('and also when a run is to be stopped at its next checkpoint; the run goes on the next time', async () => {
  const desk = await openDesk()
  const id = await beginRun(desk)
  const pid = await stopEngine(desk)
  await desk.close() // the question is answered with the first button: stop and quit
  expect(isAlive(pid)).toBe(false)
  const again = await openDesk(desk)
  const status = async () =>
    (await ask<{ id: string; status: string }[]>(again, 'runs.list', {})).find((run) => run.id === id)?.status
  await expect.poll(status).toMatch(/interrupted|queued|running/)
  await again.close()
})

test('whoever quits a second time does not wait for the checkpoint', async () => {
  const desk = await openDesk()
  await beginRun(desk)
  const closed = desk.app.waitForEvent('close')
  await desk.app.evaluate(({ app, dialog }) => {
    dialog.showMessageBox = (async () => ({ response: 0, checkboxChecked: false })) as typeof dialog.showMessageBox
    app.quit()
    setTimeout(() => app.quit(), 300)
  })
  await closed
})

test('an engine that hears nothing is replaced by another', async () => {
  const desk = await openDesk()
  const pid = await stopEngine(desk)
  await ask(desk, 'app.restartEngine', {})
  expect(isAlive(pid)).toBe(false)
  expect(await ask<{ problem: string | null }>(desk, 'store.state', {})).toMatchObject({ problem: null })
  await desk.close()
})

test('a tokenizer that takes all memory, or over which its library ends the process, does so in one of its own', async () => {
  const desk = await openDesk()
  const [model, text] = [modelThatEndsOverBlanks(), join(await temporaryFolder(), 'blanks.txt')]
  writeFileSync(text, blanks())
  for (const [kind, path] of [
    ['model', model],
    ['texts', text]
  ]) {
    await answerOpenDialog(desk, [`${path}`])
    await ask(desk, 'app.pick', { kind })
  }
  const engines = await processesOf(desk, 'Quail engine')
  const recipe = { version: 1, model, calibration: { files: [text] }, variants: [{ method: 'svd', rank: 8 }] }
  const { findings } = await ask<{ findings: { message: string }[] }>(desk, 'plan.preflight', {
    recipe,
    out: null,
    flopsPerSecond: null
  })
  expect(findings.map(({ message }) => message).join('\n')).toMatch(
    /blanks\.txt, tokenized as .* says, .*(: the tokenizers library ends over it|was given up: it takes more than)/
  )
  expect(await processesOf(desk, 'Quail engine')).toEqual(engines)
  await expect.poll(() => processesOf(desk, 'Quail tokenizer')).toEqual([])
  await desk.close()
})
