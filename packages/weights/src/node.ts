export { download, type DownloadOptions } from './node/download.js'
export { cacheFolder, inFile, readBytes, sha256OfFile, sizeOfFile } from './node/files.js'
