/** A server in a process of its own, to be killed; its argument is its configuration. */
import { readConfig, serve } from '../src/index.js'

const { url } = await serve(readConfig(JSON.parse(process.argv[2]!) as object))
console.log(url)
