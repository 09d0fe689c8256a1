export { configSchema, readConfig, type Config } from './config.js'
export { createToken } from './http/auth.js'
export { serve, type Served } from './serve.js'
export { openState } from './state/open-state.js'
