import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import AdmZip from 'adm-zip'
import { afterAll, describe, expect, it } from 'vitest'
import declared from '../../src/engine/graph/devices/cudaProvider.json'

const root = mkdtempSync(join(tmpdir(), 'quail-cuda-setup-'))
afterAll(() => rmSync(root, { recursive: true }))

const script = resolve('scripts/cudaSetup.mjs')

/** A wheel as PyPI has it, with small files in the place of the large ones. */
function wheelOf(files: Readonly<Record<string, string>>): string {
  const zip = new AdmZip()
  for (const [name, text] of Object.entries(files)) zip.addFile(`onnxruntime/capi/${name}`, Buffer.from(text))
  const path = join(mkdtempSync(join(root, 'wheel-')), 'onnxruntime_gpu.whl')
  zip.writeZip(path)
  return path
}

const builtFrom = (commit: string): string =>
  `\0ORT Build Info: git-branch=rel, git-commit-id=${commit}, build type=Release\0`

/** What the script says of a wheel; nothing of it is left in Quail's folder. */
function refusal(files: Readonly<Record<string, string>>): string {
  const home = mkdtempSync(join(root, 'home-'))
  const { status, stderr } = spawnSync(process.execPath, [script, '--home', home, '--wheel', wheelOf(files)], {
    encoding: 'utf8'
  })
  expect(status).toBe(1)
  expect(existsSync(join(home, 'cuda', declared.onnxruntime))).toBe(false)
  expect(readdirSync(join(home, 'cuda'))).toEqual([])
  return stderr
}

describe.runIf(process.platform === 'linux' && process.arch === 'x64')('setup:cuda', () => {
  const [first] = declared.files.map(({ name }) => name) as [string]
  const library = `libonnxruntime.so.${declared.onnxruntime}`
  const providers = Object.fromEntries(declared.files.map(({ name }) => [name, 'no library']))

  it('takes no files of another build than the library that computes', () => {
    const said = refusal({ [library]: builtFrom('0123456'), ...providers })
    expect(said).toMatch(new RegExp(`${library} was built from commit 0123456, not from ${declared.commit}\\.`))
  })

  it('takes no files but those that are declared, and says which they are', () => {
    const said = refusal({ [library]: builtFrom(declared.commit), ...providers })
    expect(said).toContain(`${first} of ${join(root, 'wheel-')}`)
    expect(said).toContain(`${declared.files[0]?.sha256} was expected.`)
  })

  it('names what a wheel lacks', () => {
    expect(refusal({})).toContain(`holds no libonnxruntime.so; the wheel of ${declared.package} was expected.`)
    expect(refusal({ [library]: builtFrom(declared.commit) })).toContain(`holds no ${first}.`)
  })
})
