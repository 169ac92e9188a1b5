import type { Store } from '../store/schema'

/*
 * Runs that this process executes, from before their row says so until their end is stored. Their lock tells only a part
 * of that: it is taken when the engine comes to the run, and gone before its end is stored.
 */

const executing = new WeakMap<Store, Set<string>>()

export const isExecutingHere = (store: Store, id: string): boolean => executing.get(store)?.has(id) ?? false

/** Does the work while the run counts as executed by this process. */
export async function whileExecuting<T>(store: Store, id: string, work: () => Promise<T>): Promise<T> {
  const ids = executing.get(store) ?? new Set()
  executing.set(store, ids.add(id))
  try {
    return await work()
  } finally {
    ids.delete(id)
  }
}
