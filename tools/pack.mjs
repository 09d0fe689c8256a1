// npm run pack [-- FOLDER]: every package that is published as a tarball, built before it is packed.
import { resolve } from 'node:path'
import { packAll } from './outside/projects.mjs'
import { install, root } from './workspace.mjs'

install()
const folder = resolve(root, process.argv[2] ?? 'packed')
const tarballs = await packAll(folder)
console.log(`${[...tarballs.keys()].join(', ')}: packed in ${folder}. In a project of yours:`)
console.log(`npm i ${folder}/*.tgz onnxruntime-node    # or onnxruntime-web, for pages`)
