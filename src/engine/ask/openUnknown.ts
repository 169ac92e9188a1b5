import { join } from 'node:path'
import { PROOF_FILE, readProof } from '../formats/adapterProof'
import { listDirectory } from '../formats/files'
import { ADAPTER_CONFIG_FILE } from '../formats/peftAdapter'
import { readAdapterDirectory } from '../formats/readAdapter'
import { surveyModel } from './survey'

/**
 * Opens a checkpoint or an adapter as a request does that goes on to compute with it, and leaves it: config, headers and
 * what they say of the model; of an adapter its factors and its proof. What is wrong with it is for that request to say.
 */
export async function openUnknown(directory: string): Promise<null> {
  const names = await listDirectory(directory, 'directory').catch((): string[] => [])
  if (names.includes(ADAPTER_CONFIG_FILE)) await readAdapterDirectory(directory).catch(() => {})
  if (names.includes(PROOF_FILE)) await readProof(join(directory, PROOF_FILE)).catch(() => {})
  await surveyModel(directory)
  return null
}
