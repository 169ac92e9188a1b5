import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { measureBackward } from './backward'
import { writeBenchmarks } from './benchmarksFile'
import { measureBlock, measureBlocks } from './block'
import { measureDemo } from './demo'
import { measureForward } from './forward'
import { measureLinears } from './linearsSection'
import { machine } from './machine'
import { measureMemory } from './memory'
import { measureModel135m } from './model135m'
import { measureLongCalibration, measurePlan, measureScale } from './plan'
import { measureQuantize } from './quantizeSection'
import { measureRefinement } from './refinement'
import { type BenchOptions, type Section, sectionMarkdown } from './section'
import { measureSolver } from './solverSection'
import { measureWindow } from './window'

/* Runs the parts that are named, or all; see run.mjs. The current directory is the repository. */

type Measure = (options: BenchOptions) => Promise<Section>

const PARTS: Readonly<Record<string, readonly Measure[]>> = {
  solver: [measureSolver, measureLinears, measureQuantize],
  forward: [measureForward, measureBackward],
  block: [measureBlock],
  blocks: [measureBlocks],
  memory: [measureMemory],
  plan: [measurePlan],
  scale: [measureScale],
  long: [measureLongCalibration],
  refinement: [measureRefinement],
  model135m: [measureModel135m],
  demo: [measureDemo],
  window: [measureWindow]
}

async function measureParts(names: readonly string[], quick: boolean): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'quail-bench-'))
  const sections: string[] = []
  try {
    for (const name of names) {
      console.error(`measuring ${name}`)
      const load = loadavg()[0] ?? 0
      const stamp = `${machine()} Load of the machine at the start: ${load.toFixed(1)}.`
      for (const measure of PARTS[name] as readonly Measure[]) {
        const markdown = sectionMarkdown(await measure({ quick, folder }), stamp)
        console.log(`${markdown}\n`)
        sections.push(markdown)
        if (!quick) await writeBenchmarks('docs/benchmarks.md', [markdown])
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return sections
}

const args = process.argv.slice(2)
const quick = args.includes('--quick')
const named = args.filter((arg) => arg !== '--quick')
const unknown = named.filter((name) => !Object.hasOwn(PARTS, name))
if (unknown.length > 0) {
  console.error(`unknown part ${unknown.join(', ')}; parts are ${Object.keys(PARTS).join(', ')}, and --quick`)
  process.exitCode = 2
} else {
  const sections = await measureParts(named.length > 0 ? named : Object.keys(PARTS), quick)
  if (!quick && sections.some((markdown) => markdown.includes('NOT met'))) process.exitCode = 1
}
