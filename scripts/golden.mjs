// `npm run golden -- families NAME`: makes golden files with the real libraries; without arguments it says which kinds.
import { preparePython, python, run } from './pythonEnvironment.mjs'

process.exitCode = preparePython() || run(python, 'test/golden/make/main.py', ...process.argv.slice(2))
