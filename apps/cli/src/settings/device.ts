/** Where a model runs, for a runtime or a detector: what the settings leave open is left out. */
export function deviceOptions(settings: {
  readonly device?: string | undefined
  readonly threads?: number | undefined
}): { readonly device?: string; readonly threads?: number } {
  const { device, threads } = settings
  return { ...(device !== undefined && { device }), ...(threads !== undefined && { threads }) }
}
