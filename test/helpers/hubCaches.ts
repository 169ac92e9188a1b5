import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

export interface HubModel {
  /** `models--org--name`. */
  readonly repository: string
  readonly revision: string
  /** Directory whose files the snapshot gets; or names with their content, undefined for a link to a blob that is gone. */
  readonly files: string | Readonly<Record<string, string | undefined>>
  readonly refs?: readonly string[]
  /** Links into blobs/, as where links can be made; otherwise the files lie in the snapshot. */
  readonly links?: boolean
  /** Blobs of a download that did not finish. */
  readonly partial?: number
}

/** Writes a model as huggingface_hub leaves it in a cache; returns the snapshot's directory. */
export function writeHubModel(cache: string, model: HubModel): string {
  const { repository, revision, files, refs = ['main'], links = true, partial = 0 } = model
  const root = join(cache, repository)
  const snapshot = join(root, 'snapshots', revision)
  for (const folder of [join(root, 'blobs'), join(root, 'refs'), snapshot]) mkdirSync(folder, { recursive: true })
  for (const ref of refs) writeFileSync(join(root, 'refs', ref), revision)
  for (let i = 0; i < partial; i++) writeFileSync(join(root, 'blobs', `${i}.incomplete`), 'half')
  for (const [name, source] of entriesOf(files)) {
    const blob = join(root, 'blobs', `${revision}-${name.replaceAll('/', '-')}`)
    const target = links ? blob : join(snapshot, name)
    if (source !== undefined) writeSource(target, source)
    if (links) symlinkSync(relative(snapshot, blob), join(snapshot, name))
  }
  return snapshot
}

type Source = { readonly text: string } | { readonly path: string }

const entriesOf = (files: HubModel['files']): [string, Source | undefined][] =>
  typeof files === 'string'
    ? readdirSync(files).map((name) => [name, { path: join(files, name) }])
    : Object.entries(files).map(([name, text]) => [name, text === undefined ? undefined : { text }])

function writeSource(target: string, source: Source): void {
  mkdirSync(dirname(target), { recursive: true })
  // A link in place of a copy: the sample's weights are not written once more for each test.
  if ('path' in source) symlinkSync(source.path, target)
  else writeFileSync(target, source.text)
}

/** The whole content of a folder, to see that nobody wrote to it. */
export const snapshotOf = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name)
        return [relative(directory, path), readFileSync(path, 'latin1')]
      })
  )
