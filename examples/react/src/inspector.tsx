import { useState, type ChangeEvent } from 'react'
import { explain, type Detection } from '@cflow/detector'
import { useDetector } from './use-detector.ts'

/** Judges the photograph that is chosen. */
export function Inspector({ model }: { readonly model: string }) {
  const { detector, error } = useDetector(model)
  const [result, setResult] = useState<Detection>()
  const [problem, setProblem] = useState<unknown>()

  const judge = async ({ target }: ChangeEvent<HTMLInputElement>) => {
    const file = target.files?.[0]
    if (!file || !detector) return
    setProblem(undefined)
    try {
      setResult(await detector.detect(file))
    } catch (cause) {
      setProblem(cause)
    }
  }

  const wrong = error ?? problem
  if (wrong) return <output>{wrong instanceof Error ? wrong.message : String(wrong)}</output>
  return (
    <>
      <input type="file" accept="image/*" disabled={!detector} onChange={judge} />
      <output>
        {result
          ? `${result.anomalous ? 'anomalous' : 'good'}: ${explain(result)}`
          : detector
            ? 'ready'
            : 'loading'}
      </output>
    </>
  )
}
