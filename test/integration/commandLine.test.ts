import { describe, expect, it } from 'vitest'
import { Workplace } from '../helpers/commandLine'

const work = new Workplace()

const COMMANDS = [
  ['init-lora'],
  ['run'],
  ['resume'],
  ['plan'],
  ['inspect'],
  ['families'],
  ['verify'],
  ['devices'],
  ['calibration', 'import'],
  ['calibration', 'list'],
  ['calibration', 'show'],
  ['calibration', 'delete'],
  ['runs', 'list'],
  ['runs', 'show'],
  ['runs', 'delete'],
  ['schema'],
  ['demo']
]

describe('the help', () => {
  it('is an overview of every command when nothing is asked', async () => {
    const { code, stdout, stderr } = await work.quail()
    expect([code, stderr]).toEqual([0, ''])
    for (const words of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${words.join(' ')} {2,}\\S`, 'm'))
  })

  it.each(COMMANDS)('explains quail %s %s', async (...words) => {
    const [asked, helped] = await Promise.all([work.quail(...words, '--help'), work.quail('help', ...words)])
    expect(asked.code).toBe(0)
    expect(asked.stdout).toContain(`usage: quail ${words.join(' ')}`)
    expect(helped.stdout).toBe(asked.stdout)
  })

  it('shows the commands of a group', async () => {
    const { code, stdout } = await work.quail('help', 'runs')
    expect(code).toBe(0)
    expect(stdout).toContain('runs delete')
    expect(stdout).not.toContain('calibration')
  })

  it('shows every option of init-lora with its default', async () => {
    const { stdout } = await work.quail('init-lora', '-h')
    for (const words of ['--calibration-rows N', 'default 64', 'default 2GiB', 'default all-linear', 'default 256']) {
      expect(stdout).toContain(words)
    }
  })

  it('prints the version alone', async () => {
    expect((await work.quail('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it('has no colours where stdout is no terminal', async () => {
    expect((await work.quail('help', 'init-lora')).stdout).not.toContain('\x1b')
  })
})

describe('bad usage ends with 2 and one sentence', () => {
  it.each([
    [['frobnicate'], 'quail: unknown command "frobnicate"; see quail --help'],
    [['inti-lora'], 'quail: unknown command "inti-lora"; did you mean init-lora?'],
    [['--verbose'], 'quail: unknown option --verbose; quail COMMAND [OPTIONS] is needed, see quail --help'],
    [['runs', 'lits'], 'quail: unknown command "runs lits"; did you mean quail runs list?'],
    [['init-lora', '--modle', 'x'], 'quail: unknown option --modle for quail init-lora; did you mean --model?'],
    [['init-lora', '--model', 'x', '--calibration'], 'quail: --calibration needs a value: --calibration FILE'],
    [['init-lora', '--model', 'x', '--out', 'y'], /^quail: --calibration FILE is missing/],
    [['runs', 'list', 'extra'], 'quail: quail runs list does not take "extra"; see quail runs list --help'],
    [['runs', 'list', '--json=yes'], 'quail: --json takes no value, "yes" was given'],
    [['resume'], /^quail: quail resume needs RUN/],
    [['resume', 'nothing'], /^quail: there is no run "nothing"/],
    [['plan'], /^quail: --model DIR is missing/],
    [['calibration', 'show', 'nothing'], /^quail: there is no calibration set named "nothing"/]
  ])('quail %j', async (args, expected) => {
    const { code, stdout, stderr } = await work.quail(...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr.trimEnd().split('\n')).toEqual([
      typeof expected === 'string' ? expected : expect.stringMatching(expected)
    ])
  })
})

describe('answers that need no checkpoint', () => {
  it('prints the schema of a recipe', async () => {
    const schema = await work.json<{ properties: object; required: string[] }>('schema')
    expect(schema.required).toContain('variants')
    expect(Object.keys(schema.properties)).toContain('evaluation')
  })

  it('lists no run and no calibration set at first, as JSON and for people', async () => {
    expect(await work.json('runs', 'list', '--json')).toEqual([])
    expect(await work.json('calibration', 'list', '--json')).toEqual([])
    expect((await work.quail('runs')).stdout).toContain('No run yet')
  })

  it('lists the types of models, and of those with a text model inside which that may be', async () => {
    const families = await work.json<{ modelType: string; texts?: string[] }[]>('families', '--json')
    expect(families).toContainEqual({ modelType: 'llama' })
    expect(families).toContainEqual({ modelType: 'llava', texts: ['llama', 'mistral', 'qwen2'] })
    const { stdout } = await work.quail('families')
    expect(stdout).toMatch(/^laguna\s*\nlfm2\s*\n/m)
    expect(stdout).toMatch(/^llava +with a text model inside: llama, mistral, qwen2$/m)
  })

  it('lists the devices, and the processor is one', async () => {
    const devices = await work.json<{ name: string; available: boolean }[]>('devices', '--json')
    expect(devices).toContainEqual(expect.objectContaining({ name: 'cpu', available: true }))
  })

  it('lists the devices where no driver is installed, with no word of the library beside its own', async () => {
    const none = Object.fromEntries(
      ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'VK_ADD_DRIVER_FILES'].map((key) => [key, ''])
    )
    const { code, stdout, stderr } = await work.startWith(none, 'devices').ended
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^. webgpu /m)
  })
})
