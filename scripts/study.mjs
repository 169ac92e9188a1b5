// `npm run study -- RESULTS.jsonl`: fine-tunes sample models from several starts with real PEFT on real bitsandbytes; a study
// that was stopped goes on with what RESULTS lacks. An hour and more; no part of the tests.
import { preparePython, python, run } from './pythonEnvironment.mjs'

const prepared = preparePython() || run('npm', 'run', '--silent', 'build')
const made = prepared || run(python, 'test/conformance/study/main.py', ...process.argv.slice(2))
process.exitCode = made || run(python, 'test/conformance/study/report.py', process.argv[2] ?? '')
