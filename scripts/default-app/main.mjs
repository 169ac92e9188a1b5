// Stand-in for Electron's own default_app.asar: `electron [flags] <path>` runs the app at <path>. A module, as that is: Electron
// is not ready before it has run to its end, and with it the app's own first lines.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { app } from 'electron'

const require = createRequire(import.meta.url)
const argv = process.argv.slice(1)
const needed = []
let file
for (let i = 0; i < argv.length; i++) {
  if (argv[i] === '-r' || argv[i] === '--require') needed.push(argv[++i])
  else if (!argv[i].startsWith('-')) {
    file = resolve(argv[i])
    break
  }
}
process.defaultApp = true // what Electron's default app sets; app code may test it
if (file === undefined) {
  console.error('usage: electron <path-to-app>')
  app.exit(2)
} else {
  for (const name of needed) require(require.resolve(name, { paths: [process.cwd()] }))
  try {
    await import(pathToFileURL(require.resolve(takeOver(file))).href)
  } catch (error) {
    console.error(error)
    app.exit(1)
  }
}

/** Names the app as its package.json does; the path of its first file. */
function takeOver(path) {
  const manifest = join(path, 'package.json')
  let main = path
  if (existsSync(manifest)) {
    const {
      productName,
      name,
      version,
      desktopName,
      main: first = 'index.js'
    } = JSON.parse(readFileSync(manifest, 'utf8'))
    if (productName || name) app.setName(productName || name)
    if (version) app.setVersion(version)
    if (desktopName) app.setDesktopName?.(desktopName)
    app.setAppPath(path)
    main = join(path, first)
  } else app.setAppPath(dirname(path))
  app.setPath('userData', join(app.getPath('appData'), app.getName()))
  return main
}
