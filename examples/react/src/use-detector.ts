import { useEffect, useState } from 'react'
import { loadDetector, type Detector } from '@cflow/detector'

/** A detector file, loaded once and let go with the component. */
export function useDetector(url: string): { detector?: Detector; error?: unknown } {
  const [state, setState] = useState<{ detector?: Detector; error?: unknown }>({})
  useEffect(() => {
    let current = true
    const loading = loadDetector(url)
    loading.then(
      (detector) => current && setState({ detector }),
      (error: unknown) => current && setState({ error }),
    )
    return () => {
      current = false
      void loading.then((detector) => detector.release()).catch(() => undefined)
    }
  }, [url])
  return state
}
