import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { METHODS } from '../../src/shared/methods'
import { builtCli } from '../helpers/commandLine'
import { sampleModel, sampleText } from '../helpers/paths'

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

/** The command line, where it must succeed. @returns what it says */
function quail(...args: string[]): string {
  const { status, stdout, stderr } = isolated(directory, process.execPath, builtCli, ...args)
  expect(stderr).not.toMatch(/network|ENETUNREACH|EAI_AGAIN/)
  expect(status, stderr).toBe(0)
  return stdout
}

it.skipIf(!possible)('goes from texts to adapters that are verified and shown without any network interface', () => {
  const interfaces = isolated(directory, 'cat', '/proc/net/route').stdout.trim().split('\n')
  expect(interfaces).toHaveLength(1) // the heading alone
  const samples = ['one', 'two', 'three'].map((word) => JSON.stringify({ text: `${word} `.repeat(300) }))
  writeFileSync(join(directory, 'samples.jsonl'), samples.join('\n'))
  quail('calibration', 'import', 'samples.jsonl', '--name', 'samples')
  const recipe = {
    version: 1,
    model: sampleModel,
    calibration: { set: 'samples', rows: 8 },
    evaluation: { files: [sampleText('sotu-evaluation.txt'), sampleText('moby-evaluation.txt')], rows: 2 },
    context: 64,
    variants: [
      ...METHODS.map((method) => ({ method, rank: 4 })),
      { method: 'svd', rank: 4, refine: { steps: 2, batch: 2 } }
    ]
  }
  writeFileSync(join(directory, 'recipe.json'), JSON.stringify(recipe))
  const lines = quail('run', 'recipe.json', '--out', 'adapters', '--json').trim().split('\n')
  const finished = JSON.parse(lines.at(-1) ?? '')
  expect(finished).toMatchObject({ type: 'finished', status: 'completed' })
  expect(Object.keys(finished.perplexity)).toEqual(['sotu-evaluation.txt', 'moby-evaluation.txt'])
  expect(finished.variants).toHaveLength(METHODS.length + 1)
  for (const { adapter } of finished.variants) {
    expect(existsSync(join(adapter, 'adapter_model.safetensors'))).toBe(true)
    expect(JSON.parse(readFileSync(join(adapter, 'quail.json'), 'utf8')).version).toBe(1)
    quail('verify', adapter, '--model', sampleModel)
  }
})
