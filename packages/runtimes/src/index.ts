export type { Runtime, Session, SessionOptions, Tensors } from './runtime.js'
// what a model file says of itself, read without a session
export { readMetadata } from '@cflow/graph'
