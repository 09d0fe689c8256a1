/** Recorded in detector files. Kept equal to the package's version by a test. */
export const software = { name: 'cflow', version: '0.1.0' } as const
