import { timeLibrary } from './libraryTime'

/* The same of the threads that it solves linears on. */

timeLibrary()
await import('../src/engine/solve/entry')
