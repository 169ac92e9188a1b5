import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { importBundle } from '../services/bundle/importBundle'
import { writeBundle } from '../services/bundle/writeBundle'
import { type AdapterFacts, readAdapterFacts } from '../services/export/adapterFacts'
import { compatibilityOf } from '../services/export/compatibility'
import { ADAPTER_FILES, copyAdapter, whatLiesAt } from '../services/export/copyAdapter'
import { whyNoBase, writeBase } from '../services/export/quantizedBase'
import { type RunAdapter, runAdapter } from '../services/export/runAdapters'
import { fillSnippets } from '../services/export/snippets'
import { assertOutside } from '../services/outDirectory'
import type { CopyTarget, ExportedVariant, exportCalls } from '../shared/contract/exports'
import { forPurpose } from '../shared/contract/purposes'
import { isRecomputable } from '../shared/quantizerWords'
import { shellWord } from '../shared/quoting'
import type { WorkbenchContext } from './context'
import type { CallScope, HandlersOf } from './handler'

/**
 * What leaves Quail: adapters with all that goes with them, and run bundles in both directions. Where a run names a
 * checkpoint that is read, it must be granted like any other: the run may have come in a bundle.
 */
export const exportHandlers = ({
  services,
  installation,
  grants,
  emit
}: WorkbenchContext): HandlersOf<typeof exportCalls> => ({
  async 'exports.variant'({ run, variant, copiedTo }) {
    const found = await runAdapter(services, run, variant)
    const facts = await readAdapterFacts(found.adapter)
    return describe(found, facts, copiedTo ?? found.adapter, installation.resources)
  },
  async 'exports.target'({ run, variant, folder }) {
    return chooseTarget(resolve(folder), await runAdapter(services, run, variant))
  },
  async 'exports.copy'({ run, variant, to, replace }) {
    const { adapter: from, model, sha256 } = await runAdapter(services, run, variant)
    const { resources } = installation
    return copyAdapter({ from, to, model, resources, replace, expectedSha256: sha256 })
  },
  async 'exports.verify'({ run, variant, adapter, model }, scope) {
    const own = await runAdapter(services, run, variant)
    if (model === null) await grants.check(forPurpose('readModel', [own.model]))
    const input = { adapter: adapter ?? own.adapter, model: model ?? own.model }
    return services.engine.call('verify', input, reporting(scope, 'Comparing the base, linear by linear'))
  },
  async 'exports.base'({ run, variant, out }, scope) {
    const own = await runAdapter(services, run, variant)
    await grants.check(forPurpose('readModel', [own.model]))
    const facts = await readAdapterFacts(own.adapter)
    return writeBase(services, own, facts, out, reporting(scope, 'Quantizing and writing'))
  },
  async 'exports.bundle'({ run, out, factors }, scope) {
    await assertOutside(out, services.home, "Quail's own folder")
    return writeBundle(services, run, out, { factors, replace: true, ...reporting(scope, 'Writing the bundle') })
  },
  async 'exports.importBundle'({ file }, scope) {
    const imported = await importBundle(services, file, reporting(scope, 'Verifying the bundle'))
    emit({ type: 'runs.changed', id: imported.run })
    emit({ type: 'sets.changed' })
    emit({ type: 'projects.changed' })
    return imported
  }
})

const reporting = ({ signal, progress }: CallScope, label: string) => ({
  signal,
  onProgress: (done: number, total: number | null) => progress({ done, total, label })
})

async function describe(
  { variant, model, adapter, quantizer, sha256 }: RunAdapter,
  facts: AdapterFacts,
  shown: string,
  resources: string
): Promise<ExportedVariant> {
  const { fingerprint, rank, alpha, rslora, targetModules, loader } = facts
  const snippets = await fillSnippets(resources, {
    model,
    adapter: shown,
    quantizer: { ...quantizer, skipModules: fingerprint?.skipModules },
    stored: fingerprint?.base !== undefined,
    dtype: fingerprint?.dtype ?? 'BF16',
    rank,
    alpha,
    rslora,
    targetModules,
    loader
  })
  const sizes = await Promise.all(ADAPTER_FILES.map((name) => sizeOf(join(adapter, name))))
  const script = shown === adapter ? join(resources, CHECK_SCRIPT) : join(shown, CHECK_SCRIPT)
  return {
    variant,
    adapter,
    model,
    noBase: whyNoBase({ quantizer }, facts),
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    sha256,
    compatibility: compatibilityOf(facts),
    snippets,
    fingerprint: fingerprint ?? null,
    checks: {
      bitsandbytes:
        fingerprint === undefined || isRecomputable(fingerprint)
          ? `python ${shellWord(script)} ${shellWord(model)} ${shellWord(shown)}`
          : null,
      quail: `quail verify ${shellWord(shown)} --model ${shellWord(model)}`
    }
  }
}

const CHECK_SCRIPT = 'check_fingerprint.py'

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0
  )

/** A folder with other things in it gets a directory of its own, with a number where the name is taken by something else. */
async function chooseTarget(folder: string, { model, variant }: RunAdapter): Promise<CopyTarget> {
  const own = await whatLiesAt(folder)
  if (own !== 'other') return { path: folder, meets: own }
  const name = `${basename(model)}-${variant}`
  for (let number = 1; ; number++) {
    const path = join(folder, number === 1 ? name : `${name}-${number}`)
    if (!existsSync(path)) return { path, meets: 'nothing' }
    const found = await whatLiesAt(path)
    if (found !== 'other') return { path, meets: found }
  }
}
