import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { builtCli, Workplace } from '../helpers/commandLine'
import { sampleModel, sampleText } from '../helpers/paths'

const work = new Workplace()
mkdirSync(work.path('small'))

/** Runs a script in a mount namespace of its own, in which `small` is a disk of one megabyte. */
const withSmallDisk = (script: string) =>
  spawnSync(
    'unshare',
    ['--map-root-user', '--mount', 'sh', '-c', `mount -t tmpfs -o size=1m tmpfs small && ${script}`],
    {
      cwd: work.directory,
      env: { ...process.env, QUAIL_HOME: work.home },
      encoding: 'utf8'
    }
  )

const possible = withSmallDisk('true').status === 0
if (!possible) console.log('skipped: this system does not let `unshare --map-root-user --mount` mount a small disk')

it.skipIf(!possible)(
  'ends with one sentence when the disk is full, leaves nothing half-written, and can be resumed',
  async () => {
    const text = sampleText('moby-evaluation.txt')
    const options = '--calibration-rows 4 --context 64 --rank 64 --method svd --out small/out --quiet'
    const command = `${process.execPath} ${builtCli} init-lora --model ${sampleModel} --calibration ${text} ${options}`
    const { status, stdout, stderr } = withSmallDisk(`{ ${command}; code=$?; ls -A small; exit $code; }`)
    expect(status).toBe(1)
    expect(stderr).toMatch(/small\/out\/adapter_model\.safetensors: the disk is full/)
    expect(stdout.trim()).toBe('') // ls: neither the adapter nor a temporary directory
    const [run] = await work.json<{ id: string; status: string }[]>('runs', 'list', '--json')
    expect(run?.status).toBe('failed')
    const resumed = await work.quail('resume', run?.id ?? '', '--quiet') // on the disk below, which has room
    expect(resumed.code).toBe(0)
    expect((await work.quail('verify', 'small/out', '--model', sampleModel)).code).toBe(0)
  }
)
