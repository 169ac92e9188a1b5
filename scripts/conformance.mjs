// `npm run test:conformance`: lets transformers, bitsandbytes and PEFT, in a virtual environment of the project's own,
// judge what Quail writes. Arguments name tests, for example test_adapters.Sample.
import { build } from './build.mjs'
import { preparePython, python, run } from './pythonEnvironment.mjs'

const prepared = preparePython() || build()
if (prepared === 0) process.exitCode = run(python, 'test/conformance/main.py', ...process.argv.slice(2)) ?? 1
else {
  console.log('0 passed, 1 failed') // the environment or the build
  process.exitCode = 1
}
