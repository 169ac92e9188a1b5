/** ONNX's number of an element type. */
export const INT32 = 6
