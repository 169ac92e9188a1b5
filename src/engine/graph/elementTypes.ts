/** ONNX's numbers of element types. */
export const INT32 = 6
export const UINT32 = 12
