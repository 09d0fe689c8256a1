import type { BaselineConfig } from './config.js'
import { dfr } from './dfr.js'
import { differnet } from './differnet.js'
import type { FileMethod } from './job.js'
import { padim } from './padim.js'

const methods = { padim, dfr, differnet }

/** The methods whose detector is a file; SPADE keeps a gallery instead. */
export type FileConfig = Exclude<BaselineConfig, { readonly method: 'spade' }>

/** The method of a configuration. */
export const fileMethod = (config: FileConfig): FileMethod<FileConfig> =>
  methods[config.method] as FileMethod<FileConfig>
