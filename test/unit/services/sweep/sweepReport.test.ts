import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SWEEP_FILES, writeSweepReport } from '../../../../src/services/sweep/sweepReport'
import { visible } from '../../../../src/shared/quoting'
import type { Sweep } from '../../../../src/shared/sweep/results'

/** Each is something of its own in Markdown, in HTML or for a terminal that shows the file. */
it.each([
  '[text](javascript:alert(1)) **bold** _italic_ $x$',
  '<img src=x onerror=alert(1)>|cell|`code`&amp;',
  'a\x1b[2J\r\n# b \u202e right'
])('the name %j stands in the Markdown of a sweep as text', async (name) => {
  const out = mkdtempSync(join(tmpdir(), 'quail-sweep-'))
  await writeSweepReport(sweepOf(name, out))
  const markdown = readFileSync(join(out, SWEEP_FILES.markdown), 'utf8')
  rmSync(out, { recursive: true })
  expect(markdown).toContain('| 11')
  const unquoted = markdown.replaceAll(/\\([\\`*<>[\]|&~$_])/g, '')
  expect(unquoted).not.toMatch(/[`*<>[\]&$]/)
  expect(markdown.replaceAll('\n', '')).toBe(visible(markdown.replaceAll('\n', '')))
  expect(markdown.split('\n').filter((line) => line.startsWith('# '))).toHaveLength(1)
})

it('is not written into a folder that is gone: none is made, and the sentence says what to do', async () => {
  const disk = mkdtempSync(join(tmpdir(), 'quail-sweep-'))
  const out = join(disk, 'sweep')
  const report = () => writeSweepReport(sweepOf('law', out))
  await expect(report()).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringContaining('connect its disk')
  })
  expect(existsSync(out)).toBe(false)
  mkdirSync(out)
  expect(await report()).toHaveLength(3)
  rmSync(disk, { recursive: true })
})

it('is refused while no run is completed', async () => {
  const sweep = { ...sweepOf('law', tmpdir()), completed: 0 }
  await expect(writeSweepReport(sweep)).rejects.toThrow('no run of the sweep s is completed')
})

/** A sweep of two runs, one of which is completed. */
function sweepOf(name: string, out: string): Sweep {
  const perplexity = { tokens: 5000, fullPrecision: 10, quantizers: { nf4: 12 }, variants: { [name]: 11 } }
  return {
    definition: { id: 's', name, out, sets: [{ label: name, source: { rows: 8 } }], seeds: 1, evaluation: [name] },
    createdAtMs: 0,
    model: name,
    project: 'default',
    completed: 1,
    total: 2,
    runs: [
      {
        id: 'r',
        index: 0,
        status: 'completed',
        variants: [{ name, method: 'svd', rank: 4, quantizer: 'nf4', refined: false }],
        evaluation: [name],
        perplexity: { [name]: perplexity }
      }
    ]
  }
}
