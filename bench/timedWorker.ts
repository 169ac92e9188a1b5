import { timeLibrary } from './libraryTime'

/* The engine's thread as it is, but for a clock around every computation of onnxruntime. */

timeLibrary()
await import('../src/engine/worker/entry')
