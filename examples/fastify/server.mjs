// MODEL=model.onnx node server.mjs, then curl --data-binary @part.png -H 'content-type: image/png' localhost:3000/judge
import { CflowError } from '@cflow/base'
import { loadDetector } from '@cflow/detector'
import fastify from 'fastify'

const { MODEL = 'model.onnx', PORT = '3000' } = process.env
// once: every request uses it, one after the other
const detector = await loadDetector(MODEL)

const app = fastify({ bodyLimit: 32 * 2 ** 20 })
app.addContentTypeParser(/^image\//, { parseAs: 'buffer' }, (request, body, done) =>
  done(null, body),
)

app.post('/judge', async ({ body }) => {
  const { anomalous, score, threshold, pValue } = await detector.detect(body, {
    parts: { map: false },
  })
  return { anomalous, score, threshold, pValue }
})

app.setErrorHandler((error, request, reply) => {
  // the sender's mistake, such as a file that is no image
  if (error instanceof CflowError)
    return reply.code(422).send({ code: error.code, message: error.message, hint: error.hint })
  return reply.send(error)
})

app.addHook('onClose', () => detector.release())
console.log(`listening on ${await app.listen({ port: Number(PORT) })}`)
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
