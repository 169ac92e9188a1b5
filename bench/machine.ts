import { readFileSync } from 'node:fs'
import { arch, cpus, platform, totalmem } from 'node:os'

/** One sentence about the machine and the versions. */
export function machine(): string {
  const list = cpus()
  const vectors = vectorFlags()
  const memory = Math.round(totalmem() / 2 ** 30)
  const runtime = JSON.parse(readFileSync('node_modules/onnxruntime-node/package.json', 'utf8')) as { version: string }
  return (
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${list[0]?.model.trim() ?? 'unknown processor'}` +
    `${vectors === '' ? '' : ` (${vectors})`}, ${list.length} cores, ${memory} GiB, ${platform()} ${arch()}, ` +
    `Node ${process.versions.node}, onnxruntime ${runtime.version}.`
  )
}

/** The vector extensions that matrix products use. */
function vectorFlags(): string {
  if (platform() !== 'linux') return ''
  const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? ''
  return line
    .split(' ')
    .filter((flag) => /^(avx|avx2|fma|avx512f|avx512_vnni|avx512_bf16|amx_\w+)$/.test(flag))
    .join(' ')
}
