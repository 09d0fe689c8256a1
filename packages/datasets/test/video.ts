import { execFileSync, spawnSync } from 'node:child_process'

/** Whether this machine has ffmpeg; says so where it has not. */
export const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0
if (!hasFfmpeg) console.warn('skipped: tests of videos need the program ffmpeg')

/** A real AVI file (MPEG-4) with a moving test picture in which every frame differs. */
export function writeVideo(
  path: string,
  { frames, size }: { readonly frames: number; readonly size: string },
): void {
  const source = `testsrc=size=${size}:rate=24`
  execFileSync('ffmpeg', [
    ...['-y', '-v', 'error', '-f', 'lavfi', '-i', source, '-frames:v', String(frames)],
    ...['-c:v', 'mpeg4', '-q:v', '2', path],
  ])
}
