// The virtual environment of the project's own, in which the real libraries are; run by itself, this file makes it.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { missingPackages } from './aptSetup.mjs'

// torch first and in exactly this spelling: package mirrors carry its CPU build under it, others pull in CUDA.
const REQUIREMENTS = [
  ['torch==2.13.0'],
  [
    'transformers==5.23.0',
    'peft==0.21.2',
    'bitsandbytes==0.50.2',
    'accelerate==1.15.0',
    'safetensors==0.8.0',
    'numpy==2.4.6'
  ]
]

/** Older releases, each alone in a folder of this name that a test puts before the environment's own packages. */
const OLDER = {
  // The last of transformers 4, and what it asks for that 5 has in other versions or not at all.
  'transformers-4': [
    'transformers==4.57.6',
    'huggingface-hub==0.36.0',
    'tokenizers==0.22.1',
    'requests==2.32.5',
    'urllib3==2.5.0',
    'idna==3.10',
    'certifi==2025.8.3',
    'charset_normalizer==3.4.3'
  ],
  'peft-0.10': ['peft==0.10.0'],
  'peft-0.13': ['peft==0.13.2']
}

const root = resolve(import.meta.dirname, '..')
const environment = join(root, '.venv')
export const python = join(environment, 'bin/python')
/** Written last, so that an installation that was interrupted is taken up again. */
const stamp = join(environment, 'quail-requirements.json')

const install = [python, '-m', 'pip', 'install', '--disable-pip-version-check', '-q']

export const run = (command, ...args) => spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status

/** Makes the virtual environment where it is missing or older than what is listed here; 0 when it is ready. */
export function preparePython() {
  const wanted = JSON.stringify([REQUIREMENTS, OLDER])
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return 0
  if (missingPackages(['python']).length > 0) return 1
  if (!existsSync(python)) rmSync(environment, { recursive: true, force: true })
  const steps = [
    ...(existsSync(python) ? [] : [['python3', '-m', 'venv', environment]]),
    ...REQUIREMENTS.map((names) => [...install, ...names]),
    ...Object.entries(OLDER).map(([name, names]) => [
      ...[...install, '--no-deps', '--upgrade', '--target', join(environment, 'older', name)],
      ...names
    ])
  ]
  for (const [command, ...args] of steps) {
    const status = run(command, ...args)
    if (status !== 0) return status ?? 1
  }
  writeFileSync(stamp, wanted)
  return 0
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = preparePython()
