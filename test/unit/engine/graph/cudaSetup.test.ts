import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadCudaLibraries } from '../../../../src/engine/graph/devices/cuda'
import { checkCudaFiles, setCudaFolder } from '../../../../src/engine/graph/devices/cudaFiles'
import declared from '../../../../src/engine/graph/devices/cudaProvider.json'
import { libraryFolders, loadLibrary } from '../../../../src/engine/graph/devices/sharedLibraries'
import { GraphSession, runtimeVersion } from '../../../../src/engine/graph/session'

const temporaryDirectory = (): string => mkdtempSync(join(tmpdir(), 'quail-cuda-'))
const linux = process.platform === 'linux' && process.arch === 'x64'

describe('the declaration of the CUDA files', () => {
  it('is of the version that package.json pins, which is the one that computes', () => {
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      dependencies: Record<string, string>
    }
    expect(declared.onnxruntime).toBe(dependencies['onnxruntime-node'])
    expect(declared.onnxruntime).toBe(runtimeVersion())
  })

  it.runIf(linux)('names the commit that the library from npm was built from', () => {
    const entry = createRequire(import.meta.url).resolve('onnxruntime-node')
    const library = readFileSync(join(dirname(entry), '../bin/napi-v6/linux/x64/libonnxruntime.so.1'))
    const at = library.indexOf('ORT Build Info:')
    expect(library.toString('latin1', at, at + 100)).toContain(`git-commit-id=${declared.commit},`)
  })
})

describe.runIf(linux)('CUDA', () => {
  it('that is not set up says where its files are looked for, and what brings them', async () => {
    const home = temporaryDirectory()
    setCudaFolder(join(home, 'cuda'))
    const reason = `device cuda: the CUDA files of onnxruntime 1.30.0 are not installed in ${home}/cuda/1.30.0; `
    await expect(GraphSession.create(new Uint8Array(), 'cuda')).rejects.toThrow(`${reason}“npm run setup:cuda”`)
  })

  it('refuses files that are not those of this version', async () => {
    const home = temporaryDirectory()
    setCudaFolder(home)
    mkdirSync(join(home, '1.30.0'))
    for (const { name, bytes } of declared.files.slice(0, 1))
      writeFileSync(join(home, '1.30.0', name), Buffer.alloc(bytes))
    for (const { name } of declared.files.slice(1)) writeFileSync(join(home, '1.30.0', name), '')
    const [first] = declared.files
    expect(await checkCudaFiles()).toEqual({
      reason: `${home}/1.30.0/${first?.name} is not the file of onnxruntime 1.30.0: its SHA-256 is not ${first?.sha256}`,
      remedy: 'delete it, and “npm run setup:cuda” brings the right one'
    })
  })
})

/** Small libraries under the names of CUDA's, made by the compiler that npm ci needs anyway. */
describe.runIf(linux)('libraries outside of the loader’s path', () => {
  const environment = temporaryDirectory()
  const nvidia = join(environment, 'lib/python3.12/site-packages/nvidia')
  const compile = (file: string, code: string, ...options: string[]): void => {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(`${file}.c`, code)
    execFileSync('cc', ['-shared', '-fPIC', '-o', file, `${file}.c`, ...options])
  }

  beforeAll(() => {
    compile(join(nvidia, 'a/lib/libquailfirst.so.1'), 'int first() { return 1; }', '-Wl,-soname,libquailfirst.so.1')
    const needs = ['-Wl,-soname,libquailsecond.so.1', '-Wl,--no-as-needed', join(nvidia, 'a/lib/libquailfirst.so.1')]
    compile(join(nvidia, 'b/lib/libquailsecond.so.1'), 'int first(void); int second() { return first(); }', ...needs)
  })

  it('are found in a Python environment, in LD_LIBRARY_PATH and in the listed folders, which come first', () => {
    const list = join(environment, 'folders.txt')
    writeFileSync(list, `${join(nvidia, 'b/lib')}\n/nowhere\n`)
    const folders = libraryFolders(list, { VIRTUAL_ENV: environment, LD_LIBRARY_PATH: `/nowhere:${environment}` })
    expect(folders.slice(0, 3)).toEqual([join(nvidia, 'b/lib'), environment, join(nvidia, 'a/lib')])
  })

  it('serve those that are linked against them once they are loaded', () => {
    const second = join(nvidia, 'b/lib/libquailsecond.so.1')
    expect(loadLibrary(second)).toContain('libquailfirst.so.1: cannot open shared object file')
    expect(loadLibrary(join(nvidia, 'a/lib/libquailfirst.so.1'))).toBeUndefined()
    expect(loadLibrary(second)).toBeUndefined()
  })

  it('that are missing are named, with where they were looked for and the line that brings them', () => {
    const stubs = join(environment, 'stubs')
    for (const { name } of declared.libraries.filter(({ name }) => !name.startsWith('libcu')))
      throw new Error(`${name}: the test makes stubs of libraries that begin with libcu`)
    const kept = ['libcudart.so.13', 'libcublasLt.so.13', 'libcublas.so.13', 'libcurand.so.10']
    for (const name of kept) compile(join(stubs, name), 'int stub() { return 0; }', `-Wl,-soname,${name}`)
    const obstacle = loadCudaLibraries([stubs])
    if (loadLibrary('libcudnn.so.9') !== undefined) {
      expect(obstacle?.reason).toContain('libcudnn.so.9')
      expect(obstacle?.remedy).toContain('python3 -m pip install "nvidia-cudnn-cu13~=9.0"')
      expect(obstacle?.reason).toContain(`cannot be loaded; looked where the system’s loader looks, in ${stubs}`)
    }
    for (const name of kept) expect(obstacle?.reason ?? '').not.toContain(name)
    if (loadLibrary('libcuda.so.1') !== undefined) expect(obstacle?.remedy).toContain('NVIDIA’s driver, release 580')
  })
})
