import { WeightFile } from '../../src/engine/formats/weightFile'

/** Opens a weight file and reads the bytes of every tensor. */
export async function readWeights(path: string): Promise<void> {
  const file = await WeightFile.open(path)
  try {
    for (const { begin, end } of file.header.tensors.values()) await file.read(new Uint8Array(end - begin), begin)
  } finally {
    await file.close()
  }
}
