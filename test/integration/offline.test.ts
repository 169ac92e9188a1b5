import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { METHODS } from '../../src/shared/methods'
import { builtCli } from '../helpers/commandLine'
import { narrowModel } from '../helpers/narrowModel'
import { sampleText } from '../helpers/paths'
import { removedAfterTests } from '../helpers/removedAfter'

const TEXTS = ['sotu-calibration.txt', 'sotu-evaluation.txt', 'moby-evaluation.txt'] as const
/** Of each text: several times the rows that the demo takes. */
const CHARACTERS = 300_000

const directory = removedAfterTests()(mkdtempSync(join(tmpdir(), 'quail-offline-')))

/**
 * Installs the built command line with a sample of a quarter of the widths and shorter texts, on which the demo takes seconds;
 * test/e2e/journey.spec.ts makes the same run on the sample itself.
 *
 * @returns the program
 */
function installNarrow(): string {
  const [repository, installed] = [resolve(import.meta.dirname, '../..'), join(directory, 'quail')]
  const [program, sample] = [join(installed, 'out/main'), join(installed, 'resources/sample')]
  cpSync(dirname(builtCli), program, { recursive: true, filter: (path) => !path.endsWith('.map') })
  copyFileSync(join(repository, 'package.json'), join(installed, 'package.json'))
  symlinkSync(join(repository, 'node_modules'), join(installed, 'node_modules'))
  mkdirSync(join(sample, 'text'), { recursive: true })
  cpSync(narrowModel, join(sample, 'model'), { recursive: true })
  for (const name of TEXTS)
    writeFileSync(join(sample, 'text', name), readFileSync(sampleText(name), 'utf8').slice(0, CHARACTERS))
  for (const other of readdirSync(join(repository, 'resources')).filter((name) => name !== 'sample'))
    symlinkSync(join(repository, 'resources', other), join(installed, 'resources', other))
  return join(program, basename(builtCli))
}

/** Runs a program in a network namespace of its own, which has no interfaces, not even a loopback that is up. */
const isolated = (command: string, ...args: string[]) =>
  spawnSync('unshare', ['--map-root-user', '--net', command, ...args], {
    cwd: directory,
    env: { ...process.env, QUAIL_HOME: join(directory, 'home') },
    encoding: 'utf8'
  })

const possible = isolated('true').status === 0
if (!possible) console.log('skipped: this system does not let `unshare --map-root-user --net` make a network namespace')

it.skipIf(!possible)(
  'finishes the demo without any network interface, and keeps no second moments where told so',
  () => {
    const program = installNarrow()
    const interfaces = isolated('cat', '/proc/net/route').stdout.trim().split('\n')
    expect(interfaces).toHaveLength(1) // the heading alone
    const { status, stdout, stderr } = isolated(process.execPath, program, 'demo', '--json', '--no-kept-moments')
    expect(stderr).not.toMatch(/network|ENETUNREACH|EAI_AGAIN/)
    expect(status).toBe(0)
    const finished = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    expect(finished).toMatchObject({ type: 'finished', status: 'completed' })
    expect(Object.keys(finished.perplexity)).toEqual(['sotu-evaluation.txt', 'moby-evaluation.txt'])
    expect(finished.variants.map(({ name }: { name: string }) => name)).toEqual(
      METHODS.map((method) => `${method}-r16`)
    )
    for (const { adapter, layers } of finished.variants) {
      expect(existsSync(join(adapter, 'adapter_model.safetensors'))).toBe(true)
      expect(JSON.parse(readFileSync(join(adapter, 'quail.json'), 'utf8')).version).toBe(1)
      expect(layers[0].shape).toEqual([64, 64]) // of the narrow sample, not of the one in the repository
    }
    const { stdout: moments } = isolated(process.execPath, program, 'moments', 'list', '--json')
    expect(JSON.parse(moments).sets).toEqual([])
  }
)
