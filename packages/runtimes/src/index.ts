export type { Runtime, Session, SessionOptions, Tensors } from './runtime.js'
