import { spawnSync } from 'node:child_process'
import { mkdirSync, rmdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { builtCli, Workplace } from '../helpers/commandLine'
import { sampleModel, sampleText } from '../helpers/paths'

const work = new Workplace()

it.skipIf(process.platform === 'win32')('says that the present directory was removed', () => {
  const gone = work.path('gone')
  mkdirSync(gone)
  // The shell removes the directory that it is in, and the program begins there.
  const script = `rmdir '${gone}' && exec '${process.execPath}' '${builtCli}' schema`
  const { status, stderr } = spawnSync('sh', ['-c', script], { cwd: gone, encoding: 'utf8' })
  expect([status, stderr]).toEqual([
    2,
    'quail: the present directory does not exist any more; change to one that does\n'
  ])
  expect(() => rmdirSync(gone)).toThrow('ENOENT')
})

it('says which directory takes no temporary files, and how to choose another', async () => {
  const missing = work.path('missing')
  const args = ['plan', '--model', sampleModel, '--calibration', sampleText('moby-evaluation.txt')]
  const variables = { TMPDIR: missing, TEMP: missing, TMP: missing }
  const { code, stderr } = await work.startWith(variables, ...args).ended
  expect(stderr).toBe(
    `quail: no temporary files can be made in ${missing}: no such file or directory; set TMPDIR to another directory\n`
  )
  expect(code).toBe(1)
})
