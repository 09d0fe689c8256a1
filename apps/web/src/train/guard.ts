interface Lock {
  release(): Promise<void>
}
type Waking = { readonly wakeLock?: { request(kind: 'screen'): Promise<Lock> } }

/** While on: the machine stays awake where the browser can see to it, and leaving the page is asked about. */
export function trainingGuard() {
  let on = false
  let lock: Lock | undefined
  const stayAwake = async () => {
    // a hidden tab loses the lock, and gets it again when it is seen
    if (!on || document.visibilityState !== 'visible') return
    const got = await (navigator as Waking).wakeLock?.request('screen').catch(() => undefined)
    if (on) lock = got
    else await got?.release()
  }
  document.addEventListener('visibilitychange', () => void stayAwake())
  const beforeLeaving = (event: BeforeUnloadEvent) => event.preventDefault()
  return (isOn: boolean): void => {
    if (isOn === on) return
    on = isOn
    if (on) {
      addEventListener('beforeunload', beforeLeaving)
      void stayAwake()
      return
    }
    removeEventListener('beforeunload', beforeLeaving)
    void lock?.release().catch(() => undefined)
    lock = undefined
  }
}
