import type { FoundModel } from '../../shared/models'

/** A directory that looks like a checkpoint, before its headers are read. */
export type Candidate = Pick<
  FoundModel,
  'directory' | 'name' | 'organisation' | 'source' | 'foundIn' | 'revision' | 'refs' | 'modifiedAtMs'
> & {
  /** What the folder alone says is wrong: a download that did not end, or nothing there at all. */
  readonly problem?: { readonly status: 'incomplete' | 'unsupported'; readonly sentence: string }
}
