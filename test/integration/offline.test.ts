import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { builtCli } from '../helpers/commandLine'

/** Runs a program in a network namespace of its own, which has no interfaces, not even a loopback that is up. */
const isolated = (directory: string, command: string, ...args: string[]) =>
  spawnSync('unshare', ['--map-root-user', '--net', command, ...args], {
    cwd: directory,
    env: { ...process.env, QUAIL_HOME: join(directory, 'home') },
    encoding: 'utf8'
  })

const directory = mkdtempSync(join(tmpdir(), 'quail-offline-'))
const possible = isolated(directory, 'true').status === 0
if (!possible) console.log('skipped: this system does not let `unshare --map-root-user --net` make a network namespace')

it.skipIf(!possible)(
  'finishes the demo without any network interface, and keeps no second moments where told so',
  () => {
    const interfaces = isolated(directory, 'cat', '/proc/net/route').stdout.trim().split('\n')
    expect(interfaces).toHaveLength(1) // the heading alone
    const { status, stdout, stderr } = isolated(
      directory,
      process.execPath,
      builtCli,
      'demo',
      '--json',
      '--no-kept-moments'
    )
    expect(stderr).not.toMatch(/network|ENETUNREACH|EAI_AGAIN/)
    expect(status).toBe(0)
    const finished = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    expect(finished).toMatchObject({ type: 'finished', status: 'completed' })
    expect(Object.keys(finished.perplexity)).toEqual(['sotu-evaluation.txt', 'moby-evaluation.txt'])
    for (const { adapter } of finished.variants) {
      expect(existsSync(join(adapter, 'adapter_model.safetensors'))).toBe(true)
      expect(JSON.parse(readFileSync(join(adapter, 'quail.json'), 'utf8')).version).toBe(1)
    }
    const { stdout: moments } = isolated(directory, process.execPath, builtCli, 'moments', 'list', '--json')
    expect(JSON.parse(moments).sets).toEqual([])
  }
)
