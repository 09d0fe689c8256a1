// The public surface of a package as text: every name that it exports, with its type, without comments.
import ts from 'typescript'
import { join } from 'node:path'
import { entries, workspace } from './surface.ts'

const { TypeFormatFlags: Flags } = ts
const whole = Flags.NoTruncation | Flags.UseSingleQuotesForStringLiteralType

/** A report of every package, by its folder's name. */
export function reports(): ReadonlyMap<string, string> {
  const files = entries()
  const { config } = ts.readConfigFile(join(workspace, 'tsconfig.base.json'), ts.sys.readFile) as {
    config: { compilerOptions: object }
  }
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...config.compilerOptions, composite: false, noEmit: true, types: ['node'] },
    workspace,
  )
  const program = ts.createProgram([...files.values()], options)
  const checker = program.getTypeChecker()
  const sections = new Map<string, string[]>()
  for (const [name, file] of files) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(file)!)!
    const lines = checker
      .getExportsOfModule(module)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((symbol) => entryOf(symbol, checker))
    const [, folder = ''] = name.split('/')
    const section = `## ${name}\n\n\`\`\`ts\n${lines.join('\n')}\n\`\`\`\n`
    sections.set(folder, [...(sections.get(folder) ?? []), section])
  }
  const head = (folder: string) =>
    `# The public surface of @cflow/${folder}\n\nMade by \`npx vitest run --project docs test/surface -u\`; the same test fails where it is no longer so.\n`
  return new Map(
    [...sections].map(([folder, parts]) => [folder, [head(folder), ...parts].join('\n')]),
  )
}

/** One exported name. */
function entryOf(exported: ts.Symbol, checker: ts.TypeChecker): string {
  const symbol =
    exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
  const { name } = exported
  const parts: string[] = []
  for (const declaration of symbol.declarations ?? []) {
    if (ts.isFunctionDeclaration(declaration)) {
      const signature = checker.getSignatureFromDeclaration(declaration)!
      const hidden = declaration.body && (symbol.declarations?.length ?? 0) > 1
      // the implementation of overloads is none of them
      if (!hidden) parts.push(`function ${name}${signatureText(declaration, signature, checker)}`)
    } else if (ts.isInterfaceDeclaration(declaration)) parts.push(sourceText(declaration))
    else if (ts.isClassDeclaration(declaration)) parts.push(classText(name, declaration, checker))
    else if (ts.isTypeAliasDeclaration(declaration)) parts.push(aliasText(declaration, checker))
    else if (ts.isVariableDeclaration(declaration)) {
      const type = declaration.type
        ? sourceText(declaration.type)
        : typeText(checker.getTypeOfSymbol(symbol), declaration, checker)
      parts.push(`const ${name}: ${type}`)
    } else parts.push(`${ts.SyntaxKind[declaration.kind]} ${name}`)
  }
  return parts.join('\n')
}

const printer = ts.createPrinter({ removeComments: true })
/** A declaration as it stands in its file, in one form. */
const sourceText = (node: ts.Node): string =>
  printer
    .printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())
    .replace(/^export (default )?/, '')
    .replaceAll(/;$/gm, '')

const typeText = (type: ts.Type, node: ts.Node, checker: ts.TypeChecker): string =>
  checker.typeToString(type, node, whole)

function signatureText(
  declaration: ts.FunctionDeclaration | ts.MethodDeclaration,
  signature: ts.Signature,
  checker: ts.TypeChecker,
): string {
  if (!declaration.type) return checker.signatureToString(signature, declaration, whole)
  const list = (nodes: readonly ts.Node[] | undefined): string =>
    (nodes ?? []).map(sourceText).join(', ')
  const types = declaration.typeParameters ? `<${list(declaration.typeParameters)}>` : ''
  return `${types}(${list(declaration.parameters)}): ${sourceText(declaration.type)}`
}

/** What is inferred (of a schema, say) is written out. */
function aliasText(declaration: ts.TypeAliasDeclaration, checker: ts.TypeChecker): string {
  const text = sourceText(declaration)
  if (!/\btypeof\b|infer\b/.test(text)) return text
  const type = checker.getTypeAtLocation(declaration)
  const inferred = checker.typeToString(type, declaration, whole | Flags.InTypeAlias)
  return `type ${declaration.name.text} = ${inferred}`
}

function classText(
  name: string,
  declaration: ts.ClassDeclaration,
  checker: ts.TypeChecker,
): string {
  const isHidden = (node: ts.ClassElement): boolean =>
    (ts.getCombinedModifierFlags(node) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0 ||
    (node.name !== undefined && ts.isPrivateIdentifier(node.name)) // prettier-ignore
  const members = declaration.members
    .filter((member) => !isHidden(member))
    .flatMap((member) => {
      if (ts.isConstructorDeclaration(member))
        return [`constructor(${member.parameters.map(sourceText).join(', ')})`]
      if (!member.name) return []
      const of = ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Static ? 'static ' : ''
      const own = member.name.getText()
      if (ts.isMethodDeclaration(member))
        return [`${of}${own}${signatureText(member, checker.getSignatureFromDeclaration(member)!, checker)}`]
      return [`${of}${own}: ${typeText(checker.getTypeAtLocation(member), member, checker)}`]
    }) // prettier-ignore
  const heritage = (declaration.heritageClauses ?? []).map((clause) => ` ${sourceText(clause)}`)
  return [`class ${name}${heritage.join('')} {`, ...members.map((line) => `    ${line}`), '}'].join(
    '\n',
  )
}
