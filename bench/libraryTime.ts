/** Name under which the threads of a benchmark share the milliseconds that were spent inside of onnxruntime. */
export const LIBRARY_TIME = 'libraryTime'
