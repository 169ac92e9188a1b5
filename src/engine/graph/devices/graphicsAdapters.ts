import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/*
 * Which graphics cards this system has, as far as Linux tells without a driver's help; onnxruntime does not say on which
 * one it computes. Other systems tell nothing here.
 */

const DRM = '/sys/class/drm'
const NVIDIA = '/proc/driver/nvidia/gpus'

/** PCI vendors of graphics cards, and of the cards that virtual machines pretend to have. */
const VENDORS: Readonly<Record<string, string>> = {
  '0x1002': 'AMD',
  '0x10de': 'NVIDIA',
  '0x13b5': 'ARM',
  '0x15ad': 'VMware (virtual)',
  '0x1a03': 'ASPEED (server display)',
  '0x1af4': 'virtio (virtual)',
  '0x1234': 'QEMU (virtual)',
  '0x5143': 'Qualcomm',
  '0x8086': 'Intel'
}

/** Names of the graphics cards: NVIDIA's by model, others by vendor and PCI number. */
export async function graphicsAdapters(): Promise<string[]> {
  if (process.platform !== 'linux') return []
  const nvidia = await nvidiaModels()
  const cards = await pciCards()
  return [...nvidia, ...cards.filter((card) => nvidia.length === 0 || !card.startsWith('NVIDIA'))]
}

async function nvidiaModels(): Promise<string[]> {
  const gpus = await namesIn(NVIDIA)
  const models = await Promise.all(gpus.map((gpu) => textOf(join(NVIDIA, gpu, 'information'))))
  return models.flatMap((text) => /^Model:\s*(.+)$/m.exec(text)?.[1]?.trim() ?? [])
}

async function pciCards(): Promise<string[]> {
  const cards = (await namesIn(DRM)).filter((name) => /^card\d+$/.test(name))
  const names = await Promise.all(
    cards.map(async (card) => {
      const vendor = (await textOf(join(DRM, card, 'device/vendor'))).trim()
      const device = (await textOf(join(DRM, card, 'device/device'))).trim()
      return vendor === '' ? undefined : `${VENDORS[vendor] ?? `vendor ${vendor}`}, device ${device}`
    })
  )
  return names.filter((name) => name !== undefined)
}

/** Memory of AMD's cards, bytes, as their driver tells. */
export async function amdMemory(): Promise<number[]> {
  const cards = (await namesIn(DRM)).filter((name) => /^card\d+$/.test(name))
  const sizes = await Promise.all(cards.map((card) => textOf(join(DRM, card, 'device/mem_info_vram_total'))))
  return sizes.map(Number).filter((bytes) => bytes > 0)
}

/** Memory of NVIDIA's cards, bytes, as the program that comes with their driver tells; none where there is no driver. */
export async function nvidiaMemory(): Promise<number[]> {
  if ((await nvidiaDriver()) === undefined) return []
  const query = ['--query-gpu=memory.total', '--format=csv,noheader,nounits']
  const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 5000 }).catch(() => ({ stdout: '' }))
  return mebibytes(stdout)
}

/** The numbers of lines that hold one each, MiB, in bytes. */
export const mebibytes = (lines: string): number[] =>
  lines
    .split('\n')
    .filter((line) => /^\s*\d+\s*$/.test(line))
    .map((line) => Number(line) * 2 ** 20)

/** Version of NVIDIA's kernel driver, undefined where there is none. */
export const nvidiaDriver = async (): Promise<string | undefined> =>
  /Kernel Module\s+(?:for \S+\s+)?(\d[\d.]*)/.exec(await textOf('/proc/driver/nvidia/version'))?.[1]

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => [])
const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')
