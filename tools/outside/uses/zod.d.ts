// zod's types name this one; whoever checks libraries without dom or @types/node has to have it
interface URL {
  href: string
}
