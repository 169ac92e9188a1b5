import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { writeReport } from '../../../../src/services/report/report'
import type { Services } from '../../../../src/services/services'
import { LAYERS_OF_START } from '../../../../src/shared/refinementWords'
import type { RunRecord } from '../../../../src/shared/runFolder'
import { finishRun, insertRun, setRunNotes, setRunTags } from '../../../../src/store/runs'
import { completeRun } from '../../../helpers/bundles'
import { seededId, seedRuns } from '../../../helpers/seedRuns'
import {
  layerResult,
  refinementResult,
  runOutcome,
  runRecord,
  temporaryHome,
  temporaryStore
} from '../../../helpers/stores'

const HOSTILE = `"><script>alert(1)</script><img src=https://evil.invalid/x onerror='alert(2)'>&amp;`

/** Services without an engine: a report needs none. */
async function services(): Promise<Services> {
  const home = temporaryHome()
  mkdirSync(join(home, 'runs'))
  return {
    home,
    version: '0.1.0',
    store: await temporaryStore(home),
    engine: undefined as never
  } as unknown as Services
}

describe('a report', () => {
  test('escapes every name that comes from files and people', async () => {
    const s = await services()
    const plain = runRecord('a')
    const record: RunRecord = {
      ...plain,
      recipe: { ...plain.recipe, name: `name ${HOSTILE}`, model: `/models/${HOSTILE}` },
      calibration: [{ ...plain.calibration[0]!, name: `text ${HOSTILE}` }]
    }
    await insertRun(s.store, record)
    const outcome = runOutcome(record)
    const variants = outcome.variants.map((variant) => ({ ...variant, layers: [layerResult(`layer ${HOSTILE}`)] }))
    const perplexity = { [`eval ${HOSTILE}`]: outcome.perplexity['evaluation.txt']! }
    await finishRun(s.store, 'a', { ...outcome, variants, perplexity })
    await setRunTags(s.store, 'a', [`tag ${HOSTILE}`])
    await setRunNotes(s.store, 'a', `notes ${HOSTILE}`)
    const { html } = await writeReport(s, ['a'])
    for (const word of ['name', 'text', 'layer', 'eval', 'tag', 'notes']) {
      expect(html).toContain(`${word} &quot;&gt;&lt;script&gt;`)
    }
    expect(html).not.toMatch(/<script|<img|<iframe|<object|<link/i)
    // Beside what stands in quotes a tag has nothing but our own attributes: a quote that got out would end its value.
    const bare = html.replaceAll(/="[^"]*"/g, '=""')
    const attributes = [...bare.matchAll(/<[a-z][^>]*\s(on\w+|src|href)=/gi)]
    expect(attributes).toEqual([])
  })

  test('fetches nothing: no address in it, and a policy that forbids it', async () => {
    const s = await services()
    await seedRuns(s.store, 2)
    const { html } = await writeReport(s, [seededId(0), seededId(1)])
    expect(html).toContain(`default-src &#39;none&#39;`)
    expect(html).not.toMatch(/https?:|url\(|@import|\bsrc=|\bhref=/i)
  })

  test('says what each run proved and lists its layers, worst first', async () => {
    const s = await services()
    await seedRuns(s.store, 2)
    const { html, name } = await writeReport(s, [seededId(0)])
    expect(name).toMatch(/^quail-report-.*\.html$/)
    expect(html).toMatch(
      /closes \d+ ± \d+ % of the NF4 gap on sotu-evaluation: [\d.]+ → [\d.]+ \(full precision [\d.]+\)/
    )
    expect(html.match(/<td>model\.layers\./g)?.length).toBe(3 * 28)
    expect(html).toMatch(/<th class="n">KL divergence, sotu-evaluation<\/th>/)
    expect(html).toMatch(/<td class="n[^"]*">[▲▼≈ ]*0\.\d+ ± 0\.\d+<\/td>/)
    expect(html).toContain('± is one standard error over rows: sotu-evaluation.txt 16,320 predicted tokens in 64 rows')
    expect(html).toContain('≈ not distinguishable from it')
    expect(html).toContain('Settings that differ')
    expect(html).not.toContain('NaN')
  })

  test('says that an adapter is for the text model inside of another', async () => {
    const s = await services()
    const record = await completeRun(s, 'a')
    for (const { adapter } of runOutcome(record).variants) {
      const path = join(adapter, 'quail.json')
      const proof = JSON.parse(readFileSync(path, 'utf8')) as Record<string, object>
      const tower = { wrapper: 'gemma3', text: 'gemma3_text', loader: 'AutoModelForCausalLM' }
      writeFileSync(path, JSON.stringify({ ...proof, model: { ...proof.model, tower } }))
    }
    const { html } = await writeReport(s, ['a'])
    expect(html).toContain('text tower of gemma3 (gemma3_text): only the text tower is read')
  })

  test('tells of the variants that were asked for only, and refuses one that there is not', async () => {
    const s = await services()
    const record = runRecord('a')
    await insertRun(s.store, record)
    await finishRun(s.store, 'a', runOutcome(record))
    const { html } = await writeReport(s, ['a/svd-r8'])
    expect(html).toContain('Layers of svd-r8')
    expect(html).not.toContain('Layers of quailora-r8')
    await expect(writeReport(s, ['a/none'])).rejects.toThrow('run a has no variant "none"; it has svd-r8, quailora-r8')
  })

  test('tells of refinements, and that the figures of layers are those of the start', async () => {
    const s = await services()
    const plain = runRecord('a')
    const [first, second] = plain.recipe.variants
    const refine = { steps: 48, batch: 4 }
    const record = {
      ...plain,
      recipe: { ...plain.recipe, variants: [first!, { ...second!, name: 'quailora-r8', refine }] }
    }
    await insertRun(s.store, record)
    const outcome = runOutcome(record)
    const refined = { ...outcome.variants[1]!, refinement: refinementResult(8) }
    await finishRun(s.store, 'a', { ...outcome, variants: [outcome.variants[0]!, refined] })
    const { html } = await writeReport(s, ['a'])
    expect(html).toContain('quailora-r8: held-out KL 0.00333 → 0.000909 (−73 %), kept after 48 of 48 steps')
    expect(html).toContain('aria-label="Refinement of law: KL divergence on held-out rows"')
    expect(html).toContain('Layers of quailora-r8, start, worst first')
    expect(html).toContain('Layers of svd-r8, worst first')
    expect(html).toMatch(/>start \d+\.\d %</)
    expect(html.split(LAYERS_OF_START)).toHaveLength(2)
  })
})
