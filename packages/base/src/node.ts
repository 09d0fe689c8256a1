/** What packages share in Node: writing files in one step, and words for what goes wrong with files. */
export { makeFolder, writeFileAtomic, writingError } from './node/atomic.js'
export { fileError, fileSize } from './node/file-error.js'
