import { readFile, writeFile } from 'node:fs/promises'

const INTRODUCTION = `# Benchmarks

Written by \`npm run bench\` (one part: \`npm run bench -- solver\`; parts are solver, forward, block, blocks, memory, plan, scale, long,
refinement, model135m, demo, window; \`--quick\` tries a part in seconds and writes nothing here). Times depend on the machine and on what
else it does, so read the ratios: everything that is set against each other in a section was measured side by side in one run.
Each section says when and where it was measured.
`

/** Puts sections into the file: each replaces the one of the same title, others stay as they are. */
export async function writeBenchmarks(path: string, sections: readonly string[]): Promise<void> {
  const known = await readFile(path, 'utf8').catch(() => '')
  const merged = new Map(
    known
      .split(/^(?=## )/m)
      .slice(1)
      .map((section) => [titleOf(section), section.trimEnd()])
  )
  for (const section of sections) merged.set(titleOf(section), section.trimEnd())
  await writeFile(path, `${[INTRODUCTION.trimEnd(), ...merged.values()].join('\n\n')}\n`)
}

const titleOf = (section: string): string => section.slice(0, section.indexOf('\n'))
