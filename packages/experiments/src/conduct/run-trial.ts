import { CflowError } from '@cflow/base'
import { evaluate, software } from '@cflow/trainer'
import { machine, type Laboratory } from '../laboratory.js'
import type { Identity } from '../resources.js'
import { measuresOf, resultSchema, type Result } from '../result.js'
import type { Key } from '../store.js'
import { trialName, type Trial } from '../trial.js'
import { train } from './train.js'
import { picturesOf, picturesSchema, type Pictures } from './pictures.js'
import { settingsOf } from './settings.js'

/** What became of a trial. Only what it needs can be missing; only what a user can act on counts as failed. */
export type Outcome =
  | { readonly kind: 'done'; readonly result: Result; readonly reused: boolean }
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }

/** The name a trial is kept under, and all that decides its result. */
function keyOf(trial: Trial, identity: Identity): Key {
  const { config } = settingsOf(trial)
  return { name: trialName(trial), identity: { trial, config, identity, software } }
}

const picturesKey = (key: Key): Key => ({ ...key, name: `${key.name}-pictures` })

/**
 * The stored result of a trial, else run it and store it. An interrupted training goes on from its checkpoint.
 * @throws what an abort threw, and failures that are nobody's mistake
 */
export async function runTrial(trial: Trial, laboratory: Laboratory): Promise<Outcome> {
  const { store, watch } = laboratory
  const identity = await laboratory.resources.identify(trial)
  if ('missing' in identity) return { kind: 'missing', reason: identity.missing }
  try {
    const key = keyOf(trial, identity.found)
    const kept = await store.read(key, resultSchema)
    if (kept) return { kind: 'done', result: kept, reused: true }
    const result = await resumed(() => perform(trial, key, identity.found, laboratory), () => store.unfinished(key).remove()) // prettier-ignore
    return { kind: 'done', result, reused: false }
  } catch (error) {
    if (watch.signal?.aborted || !(error instanceof CflowError)) throw error
    if (error.code === 'IO') throw error // the store cannot be written: nothing that follows would be kept
    return { kind: 'failed', reason: `${error.message}${error.hint ? ` (${error.hint})` : ''}` }
  }
}

/** Whether there is something to run for a trial: all it needs is there, and its result is not in the store. */
export async function isPending(trial: Trial, { resources, store }: Laboratory): Promise<boolean> {
  const identity = await resources.identify(trial)
  if ('missing' in identity) return false
  try {
    return (await store.read(keyOf(trial, identity.found), resultSchema)) === undefined
  } catch (error) {
    if (error instanceof CflowError && error.code === 'CONFIG') return false // settings that cannot be: run says so
    throw error
  }
}

/** What Figures 3 and 4 show of a finished trial; undefined where it has no masks, or is not of the first seed. */
export async function picturesOfTrial(
  trial: Trial,
  { resources, store }: Laboratory,
): Promise<Pictures | undefined> {
  const identity = await resources.identify(trial)
  if ('missing' in identity) return undefined
  return store.read(picturesKey(keyOf(trial, identity.found)), picturesSchema)
}

/** A checkpoint that is damaged, or of images that have changed since, is worth nothing: then from the start. */
async function resumed<T>(work: () => Promise<T>, forget: () => Promise<void>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof CflowError && error.code === 'CHECKPOINT')) throw error
    await forget()
    return work()
  }
}

/** Train a method, evaluate it under both protocols, and keep the result; of CFLOW-AD what the figures show too. */
async function perform(
  trial: Trial,
  key: Key,
  identity: Identity,
  { store, resources, runtime, watch }: Laboratory,
): Promise<Result> {
  const { config, flow } = settingsOf(trial)
  const dataset = await resources.dataset(trial)
  const unfinished = store.unfinished(key)
  const weights = await resources.weights(trial.encoder)
  const job = { dataset, weights, runtime, unfinished, watch }
  const trained = await train(config, flow?.passes, job)
  const { model, bytes, seconds } = trained
  const tested = { model, samples: dataset.test, runtime }
  const own = await evaluate({ ...tested, ...watch })
  const paper = await trained.paper(own)
  const isShown = trial.method === 'cflow' && trial.seed === 0
  const pictures = isShown ? await picturesOf(tested, own) : undefined
  watch.signal?.throwIfAborted()
  const { timing } = own.evaluation
  const result: Result = {
    trial,
    strict: measuresOf(own.evaluation),
    paper,
    seconds: { fit: seconds, evaluate: timing.seconds['evaluate'] ?? NaN },
    bytes,
    millisecondsPerImage: timing.millisecondsPerImage,
    images: { train: dataset.train.length, test: dataset.test.length },
    weights: { encoder: trial.encoder, sha256: identity.weights },
    software,
    machine: machine(),
    date: new Date().toISOString(),
  }
  if (pictures) await store.write(picturesKey(key), pictures)
  await store.write(key, result)
  await unfinished.remove()
  return result
}
