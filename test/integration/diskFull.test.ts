import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { builtCli, Workplace } from '../helpers/commandLine'
import { sampleModel, sampleText } from '../helpers/paths'

const work = new Workplace()
mkdirSync(work.path('small'))

/** Runs a script in a mount namespace of its own, in which `small` is a disk of so many megabytes. */
const withSmallDisk = (script: string, megabytes = 1) =>
  spawnSync(
    'unshare',
    ['--map-root-user', '--mount', 'sh', '-c', `mount -t tmpfs -o size=${megabytes}m tmpfs small && ${script}`],
    {
      cwd: work.directory,
      env: { ...process.env, QUAIL_HOME: work.home },
      encoding: 'utf8'
    }
  )

const possible = withSmallDisk('true').status === 0
if (!possible) console.log('skipped: this system does not let `unshare --map-root-user --mount` mount a small disk')

const text = sampleText('moby-evaluation.txt')
/** A command that makes an adapter. */
const lineOf = (command: string, out: string): string =>
  `${command} --model ${sampleModel} --calibration ${text} --calibration-rows 4 --context 64 --rank 64 --method svd --out ${out} --quiet`
const command = `${process.execPath} ${builtCli} ${lineOf('init-lora', 'small/out')}`

it.skipIf(!possible)('does not begin where the disk has no room for the adapters', async () => {
  const { status, stderr } = withSmallDisk(command)
  expect(status).toBe(2)
  expect(stderr).toMatch(/^quail: about \d+ MiB of disk are needed for adapters, 1 MiB are free at .*small\n$/)
  expect(await work.json('runs', 'list', '--json')).toEqual([])
})

it.skipIf(!possible)(
  'ends with one sentence when the disk is full, leaves nothing half-written, and can be resumed',
  async () => {
    // Somebody else fills it once the run has begun.
    const fill = `until ls ${work.home}/runs/*/journal.jsonl; do sleep 0.1; done >&2 2>/dev/null; head -c 16m /dev/zero > small/fill`
    const { status, stdout, stderr } = withSmallDisk(
      `{ ${command} & (${fill}) 2>/dev/null; wait $!; code=$?; rm small/fill; ls -A small; exit $code; }`,
      16
    )
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

it.skipIf(!possible)('says of a read-only disk that it is one, for adapters and for its own folder', () => {
  const { stderr: adapters } = withSmallDisk(`mount -o remount,ro small && ${command}`)
  expect(adapters).toMatch(
    /^quail: .*small\/out cannot be written \(.*small: the file system is read-only\); choose another/
  )
  const list = `QUAIL_HOME=$PWD/small/deep/home ${process.execPath} ${builtCli} runs list`
  const { status, stderr: home } = withSmallDisk(`mount -o remount,ro small && ${list}`)
  expect([status, home]).toEqual([1, expect.stringMatching(/^quail: .*small\/deep: the file system is read-only\n$/)])
})

it.skipIf(!possible)(
  'says so of whatever else is written to a place that the user names, also deep below it',
  async () => {
    expect((await work.quail(...lineOf('init-lora', 'adapter').split(' '))).code).toBe(0)
    const [run] = await work.json<{ id: string }[]>('runs', 'list', '--json')
    const id = run?.id ?? ''
    const asked = {
      export: `export ${id} --to small/a/adapter`,
      base: `export-base --model ${sampleModel} --out small/a/base`,
      bundle: `bundle ${id} --out small/bundle.zip`,
      report: `report ${id} --out small/report.html`,
      sweep: lineOf('sweep', 'small/a/sweep')
    }
    for (const [what, line] of Object.entries(asked)) {
      const { status, stderr } = withSmallDisk(`mount -o remount,ro small && ${process.execPath} ${builtCli} ${line}`)
      expect([what, stderr]).toEqual([what, expect.stringMatching(/^quail: .*the file system is read-only.*\n$/)])
      expect(status).toBeGreaterThan(0)
    }
  }
)

it.skipIf(!possible)(
  'says of a database on a full disk that it is full, and frees what is kept there all the same',
  async () => {
    const quail = `QUAIL_HOME=$PWD/small/home ${process.execPath} ${builtCli}`
    const fill = 'head -c 64m /dev/zero > small/fill 2>/dev/null'
    const { status, stdout, stderr } = withSmallDisk(
      `${quail} ${lineOf('init-lora', 'kept')} && { ${fill}; ${quail} runs list; ${quail} moments clear && ${quail} runs list --json; }`,
      32
    )
    expect(stderr).toMatch(/^quail: .*quail\.db: the disk is full\n$/)
    const [freed, ...list] = stdout.split('\n')
    expect(freed).toMatch(/^\d+(\.\d+)? MiB freed$/)
    expect(JSON.parse(list.join('\n'))).toMatchObject([{ status: 'completed' }])
    expect(status).toBe(0)
  }
)
