/** Bytes by key, written once: what is under a key never changes. Keys are `a/b/c` of letters, digits, `.`, `_` and `-`; no part begins with a dot. */
export interface Storage {
  /**
   * Writes all or nothing: what is read under the key is complete, also after a crash in the middle.
   *
   * @throws CflowError TOO_LARGE beyond `maximum` bytes, DIGEST where the SHA-256 (hex) is not the one expected; nothing is stored
   */
  put(
    key: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options?: { readonly digest?: string; readonly maximum?: number },
  ): Promise<{ readonly digest: string; readonly bytes: number }>
  /** @throws CflowError NOT_FOUND */
  read(key: string): Promise<AsyncIterable<Uint8Array>>
  /** Size in bytes; undefined where there is nothing. */
  size(key: string): Promise<number | undefined>
  /** A file on this machine with these bytes (a remote storage fetches it into its cache once), for a child process to open. */
  file(key: string): Promise<string>
  remove(key: string): Promise<void>
  list(prefix: string): Promise<readonly string[]>
  ping(): Promise<void>
}
