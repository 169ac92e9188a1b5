// Makes a .deb of the packaged folder: program, command line, icons, desktop entry, MIME types, copyright.
import { chmod, copyFile, mkdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import debian from 'electron-installer-debian'

const root = resolve(import.meta.dirname, '..')
const resource = (path) => join(root, 'resources', path)

/** The installer's own parts, and the two files that it knows nothing of. */
class QuailInstaller extends debian.Installer {
  get contentFunctions() {
    return [...super.contentFunctions, 'copyMimeTypes', 'copyCommandLine']
  }
  copyMimeTypes() {
    return this.install(resource('packaging/quail-mime.xml'), 'share/mime/packages/quail.xml', 0o644)
  }
  copyCommandLine() {
    return this.install(resource('packaging/quail-cli'), 'bin/quail-cli', 0o755)
  }
  async install(from, to, mode) {
    const target = join(this.stagingDir, this.baseAppDir, to)
    await mkdir(join(target, '..'), { recursive: true, mode: 0o755 })
    await copyFile(from, target)
    await chmod(target, mode)
  }
}

const ICON_SIZES = [16, 24, 32, 48, 64, 128, 256, 512]

const options = ({ version, description }) => ({
  name: 'quail',
  bin: 'quail',
  version,
  productName: 'Quail',
  genericName: 'Workbench for QLoRA initialization',
  description: description.split(':')[0],
  productDescription: description,
  maintainer: 'The Quail developers <quail@localhost>',
  section: 'science',
  categories: ['Science', 'Development'],
  mimeType: ['application/x-quail-recipe+yaml', 'application/x-quail-run'],
  desktopTemplate: resource('packaging/quail.desktop.ejs'),
  depends: ['libasound2'],
  recommends: ['libvulkan1'],
  compression: 'zstd',
  lintianOverrides: ['embedded-library', 'unstripped-binary-or-object'],
  icon: {
    ...Object.fromEntries(ICON_SIZES.map((size) => [`${size}x${size}`, resource(`icons/${size}x${size}.png`)])),
    scalable: resource('icons/quail.svg')
  }
})

/** Packs `folder` into a .deb below `destination`, and answers with its path. */
export async function makeDebianPackage(folder, destination) {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const installer = new QuailInstaller({
    src: folder,
    dest: destination,
    arch: 'amd64',
    options: options(manifest),
    rename: (target, source) => join(target, basename(source)),
    logger: () => {}
  })
  await installer.generateDefaults()
  await installer.generateOptions()
  await installer.createStagingDir()
  await installer.createContents()
  await installer.createPackage()
  await installer.movePackage()
  return join(destination, `quail_${manifest.version}_amd64.deb`)
}
