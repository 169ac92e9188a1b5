// Brings what a run needs to compute on an NVIDIA card: two files of onnxruntime's own build for CUDA, out of its wheel on
// PyPI, into Quail's folder; and notes where this Python environment keeps NVIDIA's libraries. Linux on x64.
//   node scripts/cudaSetup.mjs [--home DIR] [--wheel FILE]
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const root = resolve(import.meta.dirname, '..')
const declared = JSON.parse(readFileSync(join(root, 'src/engine/graph/devices/cudaProvider.json'), 'utf8'))

const { values } = parseArgs({ options: { home: { type: 'string' }, wheel: { type: 'string' } } })
const folder = join(resolve(values.home ?? quailHome()), 'cuda')
const versionFolder = join(folder, declared.onnxruntime)

/** As src/store/home.ts has it on Linux. */
function quailHome() {
  const { QUAIL_HOME, XDG_DATA_HOME } = process.env
  if (QUAIL_HOME) return QUAIL_HOME
  return join(XDG_DATA_HOME && isAbsolute(XDG_DATA_HOME) ? XDG_DATA_HOME : join(homedir(), '.local/share'), 'quail')
}

function fail(message) {
  throw new Error(message)
}

process.on('uncaughtException', ({ message }) => {
  console.error(message)
  process.exit(1)
})

/** The environment's own Python, so that its configuration of pip counts. */
const environments = [process.env.VIRTUAL_ENV, process.env.CONDA_PREFIX, join(root, '.venv')].filter(Boolean)
const python =
  environments.map((environment) => join(environment, 'bin/python')).find((program) => existsSync(program)) ?? 'python3'

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')
const intact = (path, { bytes, sha256: digest }) => {
  if (!existsSync(path)) return false
  const content = readFileSync(path)
  return content.length === bytes && sha256(content) === digest
}

/** The commit that a library of onnxruntime was built from, as it says itself. */
const commitOf = (path) => /ORT Build Info: [^\0]*?git-commit-id=([0-9a-f]+)/.exec(readFileSync(path, 'latin1'))?.[1]

function checkRuntime() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    fail(`CUDA is set up on Linux on x64 only; this is ${process.platform} on ${process.arch}.`)
  }
  const entry = createRequire(join(root, 'package.json')).resolve('onnxruntime-node')
  const { version } = JSON.parse(readFileSync(join(dirname(entry), '../package.json'), 'utf8'))
  if (version !== declared.onnxruntime) {
    fail(`onnxruntime-node is ${version}; the CUDA files are known for ${declared.onnxruntime}: run npm ci.`)
  }
  checkCommit(join(dirname(entry), '../bin/napi-v6/linux/x64/libonnxruntime.so.1'))
}

function checkCommit(library) {
  const commit = commitOf(library)
  if (commit !== declared.commit) fail(`${library} was built from commit ${commit}, not from ${declared.commit}.`)
}

/** Fetches the wheel with pip, whatever the version of this Python. */
function download(into) {
  const wheel = `${declared.package}==${declared.onnxruntime}`
  console.error(`fetching ${wheel} with pip (247 MB)`)
  const target = ['--python-version', declared.python, '--implementation', 'cp', '--platform', declared.platform]
  const args = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:']
  const { status } = spawnSync(python, [...args, ...target, '--dest', into, wheel], { stdio: ['ignore', 2, 2] })
  const [file] = readdirSync(into).filter((name) => name.endsWith('.whl'))
  if (status !== 0 || file === undefined) fail(`${python} -m pip could not fetch ${wheel}; see above.`)
  return join(into, file)
}

/** Takes the two files, and the library beside them whose commit is compared, out of a wheel. */
function unpack(wheel, into) {
  const code = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        base = name.rsplit("/", 1)[-1]
        if base in sys.argv[3:] or base.startswith("libonnxruntime.so."):
            with wheel.open(name) as source, open(sys.argv[2] + "/" + base, "wb") as target:
                while piece := source.read(1 << 20):
                    target.write(piece)
`
  const names = declared.files.map(({ name }) => name)
  const { status } = spawnSync(python, ['-c', code, wheel, into, ...names], { stdio: ['ignore', 2, 2] })
  if (status !== 0) fail(`${wheel} could not be unpacked; see above.`)
}

function install(temporary) {
  const wheel = values.wheel === undefined ? download(temporary) : resolve(values.wheel)
  unpack(wheel, temporary)
  const library = readdirSync(temporary).find((name) => name.startsWith('libonnxruntime.so.'))
  if (library === undefined) fail(`${wheel} holds no libonnxruntime.so; the wheel of ${declared.package} was expected.`)
  checkCommit(join(temporary, library))
  for (const file of declared.files) {
    const path = join(temporary, file.name)
    if (!existsSync(path)) fail(`${wheel} holds no ${file.name}.`)
    if (!intact(path, file)) {
      fail(`${file.name} of ${wheel} has the SHA-256 ${sha256(readFileSync(path))}; ${file.sha256} was expected.`)
    }
  }
  mkdirSync(versionFolder, { recursive: true })
  for (const { name } of declared.files) renameSync(join(temporary, name), join(versionFolder, name))
}

/** Folders of NVIDIA's packages in the environments at hand, one a line: Quail looks there when it starts. */
function noteFolders() {
  const folders = environments.flatMap((environment) =>
    namesIn(join(environment, 'lib'))
      .filter((name) => name.startsWith('python'))
      .map((name) => join(environment, 'lib', name, 'site-packages/nvidia'))
      .flatMap((packages) => namesIn(packages).map((name) => join(packages, name, 'lib')))
      .filter((path) => namesIn(path).some((name) => declared.libraries.some((library) => library.name === name)))
  )
  if (folders.length > 0) writeFileSync(join(folder, 'folders.txt'), `${folders.join('\n')}\n`)
}

const namesIn = (path) => (existsSync(path) ? readdirSync(path) : [])

checkRuntime()
if (declared.files.every((file) => intact(join(versionFolder, file.name), file))) {
  console.log(`the CUDA files of onnxruntime ${declared.onnxruntime} lie in ${versionFolder}`)
} else {
  mkdirSync(folder, { recursive: true })
  // Beside their place, so that they can be moved there at once.
  const temporary = mkdtempSync(join(folder, 'unpack-'))
  try {
    install(temporary)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  console.log(`wrote the CUDA files of onnxruntime ${declared.onnxruntime} to ${versionFolder}`)
}
noteFolders()

// What is still missing is said by Quail itself, which looks for it when it computes.
const built = join(root, 'out/main/cli.js')
if (!existsSync(built)) console.log('npm run build, then npx quail devices, says whether CUDA can be used')
else {
  const env = { ...process.env, ...(values.home && { QUAIL_HOME: resolve(values.home) }) }
  const listed = spawnSync(process.execPath, [join(root, 'bin/quail.js'), 'devices', '--json'], {
    env,
    encoding: 'utf8'
  })
  const report = JSON.parse(listed.stdout || '[]').find(({ name }) => name === 'cuda')
  console.log(report?.available ? `CUDA can be used: ${report.detail}` : `CUDA cannot be used yet: ${report?.detail}`)
}
