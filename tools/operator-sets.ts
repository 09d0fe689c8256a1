/**
 * Reads and writes a one-operator file of every operator, in every operator set, with its input's shape known or not and
 * in three precisions, and compares what ONNX Runtime makes of it with what it makes of the file as it was:
 *
 *     node --conditions=@cflow/source --import tsx tools/operator-sets.ts [OPERATOR …]
 */
import { knowledges, outcomeOf, precisions } from '../packages/graph/test/sweep.js'
import { standardOperators } from '../packages/graph/test/standard-operators.js'

const [oldest, newest] = [7, 26]
const wanted = process.argv.slice(2)
const variants = [
  ...knowledges.map((k) => [k, 'float32'] as const),
  ...precisions.slice(1).map((p) => ['shape', p] as const),
]
const counts = { same: 0, refused: 0, wrong: 0 }
const covered = new Set<string>()
const wrong = new Map<string, string[]>()
for (const operator of standardOperators()) {
  const { type, variant, since, until } = operator
  if (wanted.length > 0 && !wanted.includes(type)) continue
  for (let opset = Math.max(since, oldest); opset <= Math.min(until, newest); opset++)
    for (const [knowledge, precision] of variants) {
      const outcome = await outcomeOf(operator, opset, knowledge, precision)
      if (typeof outcome === 'string') counts[outcome]++
      else {
        counts.wrong++
        const key = `${type} ${variant}: ${outcome.wrong.slice(0, 200)}`
        wrong.set(key, [...(wrong.get(key) ?? []), `${opset} ${knowledge} ${precision}`])
      }
      if (outcome === 'same') covered.add(type)
    }
}
for (const [what, where] of wrong) console.log(`${what}\n  (${where.join('; ')})`)
console.log(
  `${counts.same} models of ${covered.size} operators give the same numbers, ${counts.wrong} do not; ` +
    `ONNX Runtime does not run ${counts.refused} of them as they are.`,
)
process.exitCode = counts.wrong > 0 ? 1 : 0
