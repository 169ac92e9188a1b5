import { readRecipeFile } from '../services/recipeFile'
import { recipeSchema } from '../services/recipeProblems'
import { bundleAction, bundleOptions, importBundleAction, importBundleOptions } from './actions/bundleActions'
import {
  deleteOptions,
  deleteSetsAction,
  importAction,
  importOptions,
  listOptions,
  listSetsAction,
  showSetAction,
  showSetOptions,
  splitOptions,
  splitSetAction
} from './actions/calibrationActions'
import { demoAction, demoOptions } from './actions/demoAction'
import { devicesAction, devicesOptions } from './actions/devicesAction'
import { executeRecipe } from './actions/executeRecipe'
import { exportAction, exportOptions } from './actions/exportAction'
import { exportBaseAction, exportBaseOptions } from './actions/exportBaseAction'
import { familiesAction, familiesOptions } from './actions/familiesAction'
import { inspectAction, inspectOptions } from './actions/inspectAction'
import { clearMomentsAction, limitMomentsAction, listMomentsAction, momentsOptions } from './actions/momentsActions'
import { planAction, planOptions } from './actions/planAction'
import { rebuildAction, rebuildOptions } from './actions/rebuildAction'
import { recipeFromOptions } from './actions/recipeFromOptions'
import { recipeOptions } from './actions/recipeOptions'
import { reportAction, reportOptions } from './actions/reportAction'
import { reportingOptions } from './actions/reportingOptions'
import { resumeAction, resumeOptions } from './actions/resumeAction'
import {
  deleteRunOptions,
  deleteRunsAction,
  listRunsAction,
  listRunsOptions,
  renameRunAction,
  renameRunOptions,
  showRunAction,
  showRunOptions
} from './actions/runsActions'
import { sweepAction, sweepOptions } from './actions/sweepAction'
import {
  deleteSweepOptions,
  deleteSweepsAction,
  listSweepsAction,
  listSweepsOptions,
  renameSweepAction,
  renameSweepOptions,
  resumeSweepAction,
  showSweepAction,
  showSweepOptions
} from './actions/sweepsActions'
import { verifyAction, verifyOptions } from './actions/verifyAction'
import { type Command, defineCommand, EXIT } from './grammar/command'
import { list, optional, required, text } from './grammar/options'
import { printJson } from './output/printJson'

/** Every command, in the order of the help: one entry says all there is to know of it. */
export const COMMANDS: readonly Command[] = [
  defineCommand({
    name: 'init-lora',
    summary: 'compute calibrated LoRA adapters for a checkpoint',
    details:
      'Quantizes the linears as bitsandbytes will, runs the full-precision model over the calibration text, and solves for\n' +
      'adapters that bring the quantized model back. Several methods or ranks share one pass; each adapter is then written\n' +
      'to OUT/<method>-r<rank>, a single one to OUT itself. --refine goes on from there against the whole model: some steps\n' +
      'over the calibration rows, with some of the rows held out to decide which state is kept, the start included.',
    options: {
      ...recipeOptions,
      model: required('DIR', text, 'checkpoint in the Hugging Face layout'),
      calibration: list('FILE', text, 'text the adapter is calibrated on: files, or set:NAME of a stored set', {
        required: true
      }),
      out: required('DIR', text, 'new or empty directory for the adapters'),
      ...reportingOptions
    },
    examples: [
      {
        command: 'quail init-lora --model ./llama --calibration train.txt --evaluation test.txt --out ./adapter',
        says: 'one adapter of rank 16 by the method of the paper'
      },
      {
        command: 'quail init-lora --model ./llama --calibration train.txt --method svd,exact --rank 8,16 --out ./sweep',
        says: 'four adapters in one pass'
      },
      {
        command: 'quail init-lora --model ./llama --calibration train.txt --method exact --refine --out ./adapter',
        says: 'the optimum of single layers, then refined against the whole model'
      }
    ],
    action: ({ options }, context) => executeRecipe(context, recipeFromOptions(options, 'init-lora'), options)
  }),
  defineCommand({
    name: 'run',
    summary: 'execute a recipe file',
    details: 'A recipe is YAML or JSON ("quail schema"); relative paths in it start at the file.',
    positionals: [{ name: 'RECIPE', description: 'a recipe, YAML or JSON' }],
    options: {
      out: optional('DIR', text, 'new or empty directory for the adapters (default ./quail-out/<run id>)'),
      ...reportingOptions
    },
    examples: [{ command: 'quail run recipe.yaml --out ./adapters', says: 'every variant of the recipe' }],
    action: async ({ options, positionals: [file = ''] }, context) =>
      executeRecipe(context, await readRecipeFile(file), { ...options, out: options.out })
  }),
  defineCommand({
    name: 'resume',
    summary: 'go on with a run that was interrupted, stopped or failed',
    details: 'Finished blocks are not computed again, and the adapters get the same bytes as without the interruption.',
    positionals: [{ name: 'RUN', description: 'id of the run, or the beginning of it' }],
    options: resumeOptions,
    examples: [{ command: 'quail resume 20261123-1405-llama-x7f3', says: 'as "quail runs list" shows it' }],
    action: resumeAction
  }),
  defineCommand({
    name: 'plan',
    summary: 'show what a run would do and need, without doing it',
    details: 'Takes a recipe, or the options of init-lora.',
    positionals: [{ name: 'RECIPE', description: 'a recipe, instead of the options', optional: true }],
    options: planOptions,
    examples: [
      { command: 'quail plan recipe.yaml', says: 'memory, disk and time for a recipe' },
      { command: 'quail plan --model ./llama --calibration train.txt --rank 64', says: 'the same for options' }
    ],
    action: planAction
  }),
  defineCommand({
    name: 'sweep',
    summary: 'measure against rank, calibration sets and choices of rows: several runs, one report',
    details:
      'Makes one run for each calibration set and seed; each seed takes other rows of the set, and ranks, methods and all\n' +
      "else are variants of each run. An evaluation text is of a set's own kind when both have one label: that of\n" +
      'LABEL=FILE, or the name of the file without -calibration, -evaluation and the like. Adapters go to OUT/<label>-seed<N>,\n' +
      'the report to README.md, sweep.csv and sweep.json in OUT. With a recipe, its variants are taken; --rank gives them\n' +
      'other ranks, --calibration other texts.',
    positionals: [{ name: 'RECIPE', description: 'a recipe, instead of most options', optional: true }],
    options: sweepOptions,
    examples: [
      {
        command:
          'quail sweep --model ./llama --calibration law.txt --evaluation test.txt --rank 4,8,16,32,64 --out ./sweep',
        says: 'everything against rank, in one run'
      },
      {
        command:
          'quail sweep --model ./llama --calibration law-train.txt chat-train.txt --evaluation law-test.txt chat-test.txt --seeds 3 --out ./sweep',
        says: 'two calibration sets on text of their own kind and of the other, with error bars'
      }
    ],
    action: sweepAction
  }),
  defineCommand({
    name: 'inspect',
    summary: 'show what a checkpoint or a weight file holds',
    positionals: [{ name: 'PATH', description: 'checkpoint directory, or one .safetensors or .bin file' }],
    options: inspectOptions,
    examples: [{ command: 'quail inspect ./llama --tensors', says: 'with every tensor' }],
    action: inspectAction
  }),
  defineCommand({
    name: 'families',
    summary: 'list the types of models that can be read',
    details: 'They are what model_type in the config.json of a checkpoint says.',
    options: familiesOptions,
    examples: [],
    action: familiesAction
  }),
  defineCommand({
    name: 'verify',
    summary: 'check that an adapter belongs on a base',
    details:
      'Quantizes the base again and compares the fingerprint, the keys, shapes, scaling and values of the adapter.',
    positionals: [{ name: 'ADAPTER', description: 'directory of the adapter' }],
    options: verifyOptions,
    examples: [{ command: 'quail verify ./adapter --model ./llama', says: 'exit code 0 when it fits, 1 when not' }],
    action: verifyAction
  }),
  defineCommand({
    name: 'export',
    summary: 'copy the adapter of a run to a place of your choice',
    details:
      'Copies the adapter with its proof and the fingerprint check, reads the copy back, and says where it can be used.\n' +
      'Nothing is written over unless --replace is given, and then only an adapter.',
    positionals: [{ name: 'RUN', description: 'id of the run, or the beginning of it' }],
    options: exportOptions,
    examples: [
      { command: 'quail export 20261123-1405-llama-x7f3 --to ./adapter', says: 'of a run with one variant' },
      { command: 'quail export 20261123-1405 --variant exact-r16 --to ./adapter', says: 'one of several variants' }
    ],
    action: exportAction
  }),
  defineCommand({
    name: 'export-base',
    summary: 'write the quantized base as a checkpoint that transformers loads',
    details:
      'Quantizes the linears and writes what save_pretrained does after loading through bitsandbytes: weights in shards,\n' +
      'config.json with quantization_config, tokenizer. Trainers then load exactly the base that adapters were computed for.',
    options: exportBaseOptions,
    examples: [
      { command: 'quail export-base --model ./llama --out ./llama-nf4', says: 'NF4 with double quantization' },
      {
        command: 'quail export-base --model ./llama --quantizer fp4 --no-double-quant --out ./llama-fp4',
        says: 'FP4, absmax values in float32'
      }
    ],
    action: exportBaseAction
  }),
  defineCommand({
    name: 'bundle',
    summary: 'write a completed run with its adapters into one file, to carry it to another machine',
    positionals: [{ name: 'RUN', description: 'id of the run, or the beginning of it' }],
    options: bundleOptions,
    examples: [{ command: 'quail bundle 20261123-1405-llama-x7f3 --out run.quailrun', says: 'a plain tar archive' }],
    action: bundleAction
  }),
  defineCommand({
    name: 'import-bundle',
    summary: 'take over a run from a bundle',
    details: 'Everything in it is verified before anything is written.',
    positionals: [{ name: 'FILE', description: 'written by "quail bundle"' }],
    options: importBundleOptions,
    examples: [],
    action: importBundleAction
  }),
  defineCommand({
    name: 'devices',
    summary: 'list what Quail can compute on, and why something is missing',
    options: devicesOptions,
    examples: [{ command: 'quail devices --measure', says: 'with the speed of a large matrix product on each' }],
    action: devicesAction
  }),
  defineCommand({
    name: 'calibration import',
    summary: 'store the samples of a file as a calibration set',
    positionals: [
      {
        name: 'FILE',
        description: '.txt, .jsonl, .json, .csv, .tsv or .parquet; texts and tables also packed by gzip, .gz',
        many: true
      }
    ],
    options: importOptions,
    examples: [
      { command: 'quail calibration import notes.txt --split paragraph --name notes', says: 'a sample per paragraph' },
      { command: 'quail calibration import chats.parquet --sample 500 --seed 1', says: '500 conversations by chance' },
      {
        command: 'quail calibration import faq.csv --columns prompt=question,completion=answer',
        says: 'name the columns'
      },
      { command: 'quail init-lora --calibration set:notes ...', says: 'use it' }
    ],
    action: importAction
  }),
  defineCommand({
    name: 'calibration list',
    summary: 'list the stored calibration sets',
    options: listOptions,
    examples: [],
    action: listSetsAction
  }),
  defineCommand({
    name: 'calibration show',
    summary: 'show where a calibration set comes from, and its first samples',
    positionals: [{ name: 'NAME', description: 'name of the set' }],
    options: showSetOptions,
    examples: [],
    action: showSetAction
  }),
  defineCommand({
    name: 'calibration split',
    summary: 'hold out a part of a calibration set for evaluation',
    details: 'The set stays; NAME-calibration and NAME-evaluation share no sample. The same seed gives the same parts.',
    positionals: [{ name: 'NAME', description: 'name of the set' }],
    options: splitOptions,
    examples: [{ command: 'quail calibration split notes --share 0.2', says: 'a fifth is for evaluation' }],
    action: splitSetAction
  }),
  defineCommand({
    name: 'calibration delete',
    summary: 'remove calibration sets; runs that used them keep their copy',
    positionals: [{ name: 'NAME', description: 'name of a set', many: true }],
    options: deleteOptions,
    examples: [],
    action: deleteSetsAction
  }),
  defineCommand({
    name: 'moments list',
    summary: 'list the second moments that are kept so that later runs need not calibrate',
    details:
      'A run keeps what it found of a model on its calibration rows. Another run of both, with other methods, ranks or number\n' +
      'formats, reads it instead of calibrating, with the same result to the byte. Sets that were not used for the longest\n' +
      'time go when there are more than the limit.',
    options: momentsOptions,
    examples: [],
    action: listMomentsAction
  }),
  defineCommand({
    name: 'moments clear',
    summary: 'remove all second moments that are kept; results stay the same',
    options: momentsOptions,
    examples: [],
    action: clearMomentsAction
  }),
  defineCommand({
    name: 'moments limit',
    summary: 'say how much of second moments is kept for later runs',
    positionals: [{ name: 'SIZE', description: 'such as 20GiB; 0 keeps none' }],
    options: momentsOptions,
    examples: [{ command: 'quail moments limit 40GiB', says: 'enough for those of a model of 7 billion parameters' }],
    action: limitMomentsAction
  }),
  defineCommand({
    name: 'runs list',
    summary: 'list all runs, the newest first',
    options: listRunsOptions,
    examples: [],
    action: listRunsAction
  }),
  defineCommand({
    name: 'runs show',
    summary: 'show the recipe, state and results of a run',
    positionals: [{ name: 'RUN', description: 'id of the run, or the beginning of it' }],
    options: showRunOptions,
    examples: [],
    action: showRunAction
  }),
  defineCommand({
    name: 'runs rename',
    summary: 'give a run a name of its own',
    positionals: [
      { name: 'RUN', description: 'id of the run, or the beginning of it' },
      { name: 'NAME', description: 'what it is called from now on; "" for the name of its recipe' }
    ],
    options: renameRunOptions,
    examples: [],
    action: renameRunAction
  }),
  defineCommand({
    name: 'runs delete',
    summary: 'remove runs; adapters that they wrote stay',
    positionals: [{ name: 'RUN', description: 'id of a run, or the beginning of it', many: true }],
    options: deleteRunOptions,
    examples: [],
    action: deleteRunsAction
  }),
  defineCommand({
    name: 'runs rebuild',
    summary: 'make the database anew from the run folders',
    options: rebuildOptions,
    examples: [],
    action: rebuildAction
  }),
  defineCommand({
    name: 'sweeps list',
    summary: 'list all sweeps, the newest first',
    options: listSweepsOptions,
    examples: [],
    action: listSweepsAction
  }),
  defineCommand({
    name: 'sweeps show',
    summary: 'show what a sweep found so far, and write its report anew',
    positionals: [{ name: 'SWEEP', description: 'id of the sweep, or the beginning of it' }],
    options: showSweepOptions,
    examples: [],
    action: showSweepAction
  }),
  defineCommand({
    name: 'sweeps resume',
    summary: 'go on with a sweep: with the run that was stopped, and those that are not there yet',
    positionals: [{ name: 'SWEEP', description: 'id of the sweep, or the beginning of it' }],
    options: reportingOptions,
    examples: [],
    action: resumeSweepAction
  }),
  defineCommand({
    name: 'sweeps rename',
    summary: 'give a sweep another name, and its runs theirs',
    details: 'Runs that a person called otherwise keep what they are called. The id and the folder stay.',
    positionals: [
      { name: 'SWEEP', description: 'id of the sweep, or the beginning of it' },
      { name: 'NAME', description: 'what it is called from now on' }
    ],
    options: renameSweepOptions,
    examples: [],
    action: renameSweepAction
  }),
  defineCommand({
    name: 'sweeps delete',
    summary: 'remove sweeps with all of their runs; adapters and reports that they wrote stay',
    positionals: [{ name: 'SWEEP', description: 'id of a sweep, or the beginning of it', many: true }],
    options: deleteSweepOptions,
    examples: [],
    action: deleteSweepsAction
  }),
  defineCommand({
    name: 'report',
    summary: 'write one HTML file on runs: figures, charts, settings that differ, recipes',
    details: 'The file needs nothing else to be read: no network, no script. RUN/VARIANT names one variant.',
    positionals: [{ name: 'RUN', description: 'id of a run, or the beginning of it', many: true }],
    options: reportOptions,
    examples: [
      { command: 'quail report 20261123-1405-llama-x7f3 --out report.html', says: 'every variant of one run' },
      { command: 'quail report 20261123/svd-r16 20261124/quailora-r16 --out two.html', says: 'two variants compared' }
    ],
    action: reportAction
  }),
  defineCommand({
    name: 'schema',
    summary: 'print the JSON schema of a recipe, for editors',
    options: {},
    examples: [{ command: 'quail schema > recipe.schema.json', says: 'for an editor that completes recipes' }],
    action: (_, { terminal }) => {
      printJson(terminal, recipeSchema())
      return EXIT.done
    }
  }),
  defineCommand({
    name: 'demo',
    summary: 'run everything on the sample model: plan, run, comparison of all methods',
    options: demoOptions,
    examples: [{ command: 'quail demo', says: 'takes less than a minute' }],
    action: demoAction
  })
]
