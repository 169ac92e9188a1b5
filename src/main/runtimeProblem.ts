/** The Electron of package.json; the build puts it in. */
declare const MADE_FOR_ELECTRON: string

/** A sentence where the app runs on another Electron than it is made for, as tests do; null where it does not. */
export function runtimeProblem(): string | null {
  const { electron } = process.versions
  if (electron === MADE_FOR_ELECTRON) return null
  return `This is Electron ${electron}, not ${MADE_FOR_ELECTRON}, which Quail is made for: holes that were found since are not mended in it.`
}
