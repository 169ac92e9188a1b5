/**
 * The folder of the sample, the check of the fingerprint and the icons: beside the archive of a package, since programs
 * outside of Electron read from it too; in the repository otherwise.
 *
 * @param root - the folder of package.json, with or without a separator at its end
 */
export function resourcesFolder(root: string): string {
  const [, packageFolder] = /^(.*[\\/])app\.asar[\\/]?$/.exec(root) ?? []
  return packageFolder === undefined ? `${root.replace(/[\\/]$/, '')}/resources` : `${packageFolder}resources`
}
