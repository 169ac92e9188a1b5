import { copyFile, readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { PROOF_FILE } from '../../engine/formats/adapterProof'
import { replaceDirectoryAtomic, writeDirectoryAtomic } from '../../engine/formats/atomicDirectory'
import { fsyncFile, sha256File } from '../../engine/formats/files'
import { ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE } from '../../engine/formats/peftAdapter'
import { readAdapterConfig } from '../../engine/formats/readAdapter'
import { badFormat, badInput } from '../../shared/errors'
import type { CopiedAdapter } from '../../shared/exports'
import { assertOutside } from '../outDirectory'

/** What an adapter directory holds; the last two may be missing. */
export const ADAPTER_FILES = [ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, PROOF_FILE, 'README.md'] as const
const CHECK_SCRIPT = 'check_fingerprint.py'

export interface CopyRequest {
  /** Directory of the adapter. */
  readonly from: string
  /** Directory that the copy becomes. */
  readonly to: string
  /** Checkpoint that the adapter was made for: nothing is ever written there. */
  readonly model: string
  /** The directory that comes with Quail: the check of the fingerprint is copied along. */
  readonly resources: string
  /** Whether an adapter that lies at `to` is replaced. */
  readonly replace?: boolean
  /** SHA-256 of the weights as the run wrote them. */
  readonly expectedSha256?: string | null
}

/**
 * Copies an adapter, complete or not at all: into a directory beside the target, which is read back, compared and renamed.
 *
 * @throws {AppError} BAD_INPUT when the target is taken and `replace` is not set, or holds something else than an adapter;
 *   BAD_FORMAT when the adapter is not what its run wrote; IO
 */
export async function copyAdapter(request: CopyRequest): Promise<CopiedAdapter> {
  const { from, model, replace = false } = request
  await readAdapterConfig(from)
  await assertSource(request)
  const to = await assertOutside(await assertOutside(request.to, model), from, "the adapter's own directory")
  const taken = await whatLiesAt(to)
  if (taken === 'other') throw badInput(`${to} holds something else than an adapter; choose a new or empty directory`)
  if (taken === 'adapter' && !replace) throw badInput(`${to} already holds an adapter; it is replaced only on request`)
  const copy = (directory: string): Promise<Omit<CopiedAdapter, 'path'>> => copyFiles(request, directory)
  const copied = taken === 'adapter' ? await replaceDirectoryAtomic(to, copy) : await writeDirectoryAtomic(to, copy)
  return { path: to, ...copied }
}

/** What a copy to this place would meet: nothing, an adapter that could be replaced, or something that never is. */
export async function whatLiesAt(to: string): Promise<'nothing' | 'adapter' | 'other'> {
  const entries = await readdir(to, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    if (error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (entries === undefined) return 'other'
  if (entries.length === 0) return 'nothing'
  const known = new Set<string>([...ADAPTER_FILES, CHECK_SCRIPT])
  const names = entries.map(({ name }) => name)
  // One that another program made has neither the proof nor the check: it is not ours to replace.
  const isAdapter = names.includes(ADAPTER_CONFIG_FILE) && [PROOF_FILE, CHECK_SCRIPT].some((own) => names.includes(own))
  // A directory in which somebody put more than an adapter is never removed.
  return isAdapter && entries.every((entry) => entry.isFile() && known.has(entry.name)) ? 'adapter' : 'other'
}

async function assertSource({ from, expectedSha256 }: CopyRequest): Promise<void> {
  if (expectedSha256 === undefined || expectedSha256 === null) return
  const weights = join(from, ADAPTER_WEIGHTS_FILE)
  if ((await sha256File(weights)) !== expectedSha256) {
    throw badFormat(`${weights} is not what the run wrote (sha256 was ${expectedSha256.slice(0, 16)}…)`)
  }
}

async function copyFiles({ from, resources }: CopyRequest, directory: string): Promise<Omit<CopiedAdapter, 'path'>> {
  const present = await readdir(from)
  const sources = ADAPTER_FILES.filter((name) => present.includes(name)).map((name) => join(from, name))
  let bytes = 0
  let weights = ''
  for (const source of [...sources, join(resources, CHECK_SCRIPT)]) {
    const target = join(directory, basename(source))
    await copyFile(source, target)
    await fsyncFile(target)
    const [wanted, found] = [await sha256File(source), await sha256File(target)]
    if (wanted !== found) throw badFormat(`${basename(source)} was not copied intact; check the disk of the target`)
    if (basename(source) === ADAPTER_WEIGHTS_FILE) weights = found
    bytes += (await stat(target)).size
  }
  return { files: [...sources.map((path) => basename(path)), CHECK_SCRIPT], bytes, sha256: weights }
}
