import { join } from 'node:path'
import { ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE } from '../../../src/engine/formats/peftAdapter'
import { MANIFEST_NAME } from '../../../src/services/bundle/manifest'
import { checkBundle, withBundle } from '../../../src/services/bundle/readBundle'
import { encodeHeader, padding, TAR_BLOCK } from '../../../src/services/bundle/tarHeader'
import { RUN_FILES } from '../../../src/shared/runFolder'
import { adapterConfigText, WEIGHTS } from '../../helpers/bundles'
import { journalOf, runOutcome, runRecord, sha256 } from '../../helpers/stores'
import type { FuzzTarget } from '../fuzzTarget'
import { mutateBytes } from '../mutateBytes'
import { mutateText } from '../mutateText'
import { pick, type Random } from '../random'

const FILE = 'run.quail.tar'
const RUN = '20261125-1200-law-abcd'
const NAMES = [
  '../x',
  '/x',
  'run/../../x',
  'run/inputs/..',
  'run/inputs/a/b',
  'adapters/a/x',
  '',
  'run/run.json',
  'C:\\x'
]

type Files = readonly (readonly [name: string, content: Buffer])[]

const SOUND = soundFiles()

/** Run bundles: names and headers of a tar archive, its manifest, and the files of the run. */
export const bundle: FuzzTarget = {
  name: 'bundle',
  inputs: 1250,
  make: (random) => ({ [FILE]: mutateBundle(random) }),
  read: (directory) => {
    const path = join(directory, FILE)
    return withBundle(path, (file) => checkBundle(file, path))
  }
}

/** One thing changed; hashes and checksums fit again, so that what lies behind them is reached. */
function mutateBundle(random: Random): Buffer {
  const kind = random(10)
  const chosen = random(SOUND.length)
  if (kind < 5) return archive(changed(chosen, ([name, content]) => [name, mutateText(content.toString(), random)]))
  if (kind < 6) return archive(changed(chosen, ([, content]) => [pick(random, NAMES), content]))
  if (kind < 8) return archive(SOUND, (manifest) => mutateText(manifest.toString(), random))
  return mutateBytes(archive(SOUND), random)
}

const changed = (chosen: number, change: (file: Files[number]) => Files[number]): Files =>
  SOUND.map((file, i) => (i === chosen ? change(file) : file))

function archive(files: Files, change = (manifest: Buffer): Buffer => manifest): Buffer {
  const listed = files.map(([name, content]) => ({ name, bytes: content.length, sha256: sha256(content) }))
  const manifest = JSON.stringify({
    format: 'quail-bundle',
    version: 1,
    run: RUN,
    quailVersion: '0.1.0',
    files: listed
  })
  const all: Files = [[MANIFEST_NAME, change(Buffer.from(manifest))], ...files]
  const blocks = all.flatMap(([name, content]) => [
    encodeHeader({ name, bytes: content.length }),
    content,
    Buffer.alloc(padding(content.length))
  ])
  return Buffer.concat([...blocks, Buffer.alloc(2 * TAR_BLOCK)])
}

function soundFiles(): Files {
  const record = runRecord(RUN)
  const outcome = runOutcome(record)
  const journal = journalOf(outcome).map((entry) => `${JSON.stringify(entry)}\n`)
  return [
    [`run/${RUN_FILES.record}`, Buffer.from(JSON.stringify(record))],
    [`run/${RUN_FILES.journal}`, Buffer.from(journal.join(''))],
    [`run/${RUN_FILES.outcome}`, Buffer.from(JSON.stringify(outcome))],
    ...outcome.variants.flatMap(
      ({ name }): Files => [
        [`adapters/${name}/${ADAPTER_CONFIG_FILE}`, Buffer.from(adapterConfigText())],
        [`adapters/${name}/${ADAPTER_WEIGHTS_FILE}`, Buffer.from(WEIGHTS)]
      ]
    )
  ]
}
