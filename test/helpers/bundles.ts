import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Services } from '../../src/services/services'
import { RUN_FILES, type RunRecord } from '../../src/shared/runFolder'
import { closeStore, openStore } from '../../src/store/database'
import { appendEvents } from '../../src/store/runEvents'
import { finishRun, insertRun } from '../../src/store/runs'
import { eventsOf, journalOf, runOutcome, runRecord, sha256, temporaryHome, writeRunFolder } from './stores'

/** Services without an engine, for what needs none. */
export async function temporaryServices(home: string = temporaryHome()): Promise<Services> {
  const store = await openStore(join(home, 'quail.db'))
  onTestFinished(() => closeStore(store))
  const none = (): never => {
    throw new Error('this test has no engine')
  }
  return {
    home,
    store,
    version: '0.1.0',
    engine: { call: none, close: async () => {} } as unknown as Services['engine']
  }
}

export const WEIGHTS = 'the weights'

/** adapter_config.json as Quail writes it. */
export const adapterConfigText = (changes: Record<string, unknown> = {}): string =>
  JSON.stringify({
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: 'small',
    bias: 'none',
    init_lora_weights: true,
    lora_alpha: 16,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: 'LORA',
    r: 8,
    rank_pattern: {},
    target_modules: ['q_proj', 'up_proj'],
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: false,
    ...changes
  })

/** quail.json, as far as others act upon it. */
export const proofText = (fingerprint: Record<string, unknown> = {}): string =>
  JSON.stringify({
    version: 1,
    variant: { rank: 8, alpha: 16, rslora: false },
    fingerprint: {
      algorithm: 'sha256-linears-1',
      quantizer: 'nf4',
      blockSize: 64,
      doubleQuantization: true,
      dtype: 'BF16',
      codes: 'c0de',
      absmax: 'ab5',
      linears: [],
      ...fingerprint
    }
  })

/** The files of an adapter; the weights are no safetensors. */
export function writeAdapter(directory: string, config: Record<string, unknown> = {}, fingerprint = {}): string {
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'adapter_config.json'), adapterConfigText(config))
  writeFileSync(join(directory, 'adapter_model.safetensors'), WEIGHTS)
  writeFileSync(join(directory, 'quail.json'), proofText(fingerprint))
  writeFileSync(join(directory, 'README.md'), '# adapter\n')
  return directory
}

/** One completed run as services and engine leave it: rows, run folder with inputs and factors, adapters. */
export async function completeRun(
  services: Services,
  id: string,
  changes: Partial<RunRecord> = {}
): Promise<RunRecord> {
  const { home, store } = services
  const inputs = '{"text":"one"}\n{"text":"two"}\n'
  const base = runRecord(id, { out: join(home, 'out', id) })
  const record: RunRecord = {
    ...base,
    recipe: { ...base.recipe, calibration: { set: 'notes', rows: 2 } },
    calibration: [
      { name: 'notes', path: 'inputs/notes.jsonl', kind: 'samples', bytes: inputs.length, sha256: sha256(inputs) }
    ],
    ...changes
  }
  const outcome = runOutcome(record)
  for (const { adapter } of outcome.variants) writeAdapter(adapter)
  const folder = writeRunFolder(join(home, 'runs'), record, journalOf(outcome), outcome)
  for (const directory of [RUN_FILES.inputs, RUN_FILES.factors]) mkdirSync(join(folder, directory))
  writeFileSync(join(folder, 'inputs', 'notes.jsonl'), inputs)
  for (const block of [0, 1]) writeFileSync(join(folder, 'factors', `${block}.safetensors`), `factors ${block}`)
  await insertRun(store, record)
  await appendEvents(store, id, eventsOf(record, outcome, { bytes: WEIGHTS.length, sha256: sha256(WEIGHTS) }))
  await finishRun(store, id, outcome)
  return record
}

/** A text file by the parts of its path. */
export const readText = (...parts: string[]): string => readFileSync(join(...parts), 'utf8')
