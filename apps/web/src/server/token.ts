const key = 'server-token'

const serverToken = (): string | null => sessionStorage.getItem(key)

/** Keep a bearer token for the server that this page comes from, until the tab is closed. */
export const keepToken = (token: string): void => sessionStorage.setItem(key, token)

/** Headers of a request to the server. */
export const tokenHeaders = (): Readonly<Record<string, string>> => {
  const token = serverToken()
  return token === null ? {} : { authorization: `Bearer ${token}` }
}

/** Whether there is a token, which the server then refused. */
export const hasToken = (): boolean => serverToken() !== null
