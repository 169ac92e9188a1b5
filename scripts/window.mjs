// `npm run dev`: the window, reloading while you edit. `npm start`: the window as built.
import { spawnSync } from 'node:child_process'
import { missingPackages } from './aptSetup.mjs'
import { chooseRuntime } from './electronRuntime.mjs'

const environment = { ...process.env }
if (process.platform === 'linux' && environment.ELECTRON_EXEC_PATH === undefined) {
  missingPackages(['electron'])
  environment.ELECTRON_EXEC_PATH = (await chooseRuntime()).program
}
if (process.getuid?.() === 0) environment.NO_SANDBOX = '1' // Chromium's sandbox refuses to work for root

const { status } = spawnSync('npx', ['electron-vite', ...process.argv.slice(2)], { stdio: 'inherit', env: environment })
process.exitCode = status ?? 1
