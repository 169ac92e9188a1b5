// Stand-in for Electron's own default_app.asar: `electron [flags] <path>` runs the app at <path>.
const { app } = require('electron')
const fs = require('node:fs')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

const argv = process.argv.slice(1)
const req = []
let file
for (let i = 0; i < argv.length; i++) {
  if (argv[i] === '-r' || argv[i] === '--require') req.push(argv[++i])
  else if (!argv[i].startsWith('-')) {
    file = path.resolve(argv[i])
    break
  }
}
process.defaultApp = true // what Electron's default app sets; app code may test it
if (!file) {
  console.error('usage: electron <path-to-app>')
  app.exit(2)
} else {
  for (const r of req) require(require.resolve(r, { paths: [process.cwd()] }))
  let main = file
  const pkgFile = path.join(file, 'package.json')
  if (fs.existsSync(pkgFile)) {
    const pkg = JSON.parse(fs.readFileSync(pkgFile, 'utf8'))
    if (pkg.productName || pkg.name) app.setName(pkg.productName || pkg.name)
    if (pkg.version) app.setVersion(pkg.version)
    if (pkg.desktopName) app.setDesktopName?.(pkg.desktopName)
    app.setAppPath(file)
    main = path.join(file, pkg.main || 'index.js')
  } else app.setAppPath(path.dirname(file))
  app.setPath('userData', path.join(app.getPath('appData'), app.getName()))
  import(pathToFileURL(require.resolve(main)).href).catch((e) => {
    console.error(e)
    app.exit(1)
  })
}
