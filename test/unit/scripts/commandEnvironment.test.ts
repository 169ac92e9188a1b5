import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { commandEnvironment } from '../../../bench/commandEnvironment'

it.skipIf(process.platform === 'win32')(
  'started by its name, the command line gives node the environment that is measured with',
  () => {
    const installed = mkdtempSync(join(tmpdir(), 'quail-command-'))
    mkdirSync(join(installed, 'out/main'), { recursive: true })
    cpSync('bin', join(installed, 'bin'), { recursive: true })
    writeFileSync(join(installed, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(installed, 'out/main/cli.js'), 'console.log(process.env.MALLOC_ARENA_MAX, process.argv[2])')
    const { stdout, stderr } = spawnSync(join(installed, 'bin/quail.js'), ['demo'], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(stdout).toBe(`${commandEnvironment().MALLOC_ARENA_MAX} demo\n`)
    expect(commandEnvironment().MALLOC_ARENA_MAX).toBe('1')
  }
)

it('says which line it did not understand', () => {
  const program = join(mkdtempSync(join(tmpdir(), 'quail-command-')), 'program.js')
  writeFileSync(program, '#!/usr/bin/env node\n')
  expect(() => commandEnvironment(program)).toThrow('program.js begins with #!/usr/bin/env node: no environment')
})
