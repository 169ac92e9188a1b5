// An empty window to draw in; scripts/icons.mjs uses it.
const { app, BrowserWindow } = require('electron')
app.whenReady().then(() => new BrowserWindow({ width: 400, height: 400 }).loadURL('data:text/html,<body>'))
