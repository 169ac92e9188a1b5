/** What is left of a run's memory budget: who asks first is served first, whole or not at all. */
export class MemoryBudget {
  constructor(private left: number) {}

  /** Whether so many bytes may stay in memory. */
  take(bytes: number): boolean {
    if (bytes > this.left) return false
    this.left -= bytes
    return true
  }
}
