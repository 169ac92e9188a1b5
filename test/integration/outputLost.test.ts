import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { builtCli, Workplace } from '../helpers/commandLine'
import { narrowModel } from '../helpers/narrowModel'
import { sampleText } from '../helpers/paths'

const work = new Workplace()
const env = { ...process.env, QUAIL_HOME: work.home }

const runTo = (out: string): string[] => {
  const text = sampleText('moby-evaluation.txt')
  const rows = ['--calibration', text, '--calibration-rows', '2', '--context', '64']
  return [builtCli, 'init-lora', '--model', narrowModel, ...rows, '--method', 'svd', '--rank', '2', '--out', out]
}

const latest = async (): Promise<{ out: string; status: string } | undefined> =>
  (await work.json<{ out: string; status: string }[]>('runs', 'list', '--json'))[0]

/** With a standard output, or also an error output, that takes nothing, as a file on a disk that is full. */
function withFullDisk(args: string[], both = false): SpawnSyncReturns<string> {
  const full = openSync('/dev/full', 'w')
  try {
    return spawnSync(process.execPath, args, {
      cwd: work.directory,
      env,
      encoding: 'utf8',
      stdio: ['ignore', full, both ? full : 'pipe']
    })
  } finally {
    closeSync(full)
  }
}

describe.skipIf(process.platform !== 'linux')('an answer that goes to a disk that is full', () => {
  const sentence = 'quail: the answer could not be written whole to standard output: the disk is full\n'

  it('is said to be not whole, once, and the command failed', () => {
    const { status, stderr } = withFullDisk([builtCli, 'schema'])
    expect([status, stderr]).toEqual([1, sentence])
  })

  it('does not end the run whose progress goes there', async () => {
    const { status, stderr } = withFullDisk(runTo('full'))
    expect(stderr).toContain('wrote ')
    expect(stderr.split(sentence)).toHaveLength(2)
    expect(status).toBe(1)
    expect(await latest()).toMatchObject({ out: work.path('full'), status: 'completed' })
    expect(withFullDisk(runTo('both'), true).status).toBe(1)
    expect(await latest()).toMatchObject({ out: work.path('both'), status: 'completed' })
  })
})

/** A command in a session of its own, which no hangup reaches, with a terminal that is closed once it is drawn on. */
const CLOSED_TERMINAL = `
import os, pty, subprocess, sys
ours, theirs = pty.openpty()
command = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
os.close(theirs)
os.read(ours, 1)
os.close(ours)
command.wait()
`

const possible = spawnSync('python3', ['-c', 'import pty']).status === 0
if (!possible) console.log('skipped: no python3, which opens a terminal')

it.skipIf(!possible)('a terminal that is closed does not end a run that goes on without it', async () => {
  const args = ['-c', CLOSED_TERMINAL, process.execPath, ...runTo('closed')]
  expect(spawnSync('python3', args, { cwd: work.directory, env }).status).toBe(0)
  expect(await latest()).toMatchObject({ out: work.path('closed'), status: 'completed' })
})
