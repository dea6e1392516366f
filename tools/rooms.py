#!/usr/bin/env python3
"""Check that the modules of flowopd keep to their rooms: a room imports only itself and the rooms before it.

Usage: tools/rooms.py [FOLDER]
FOLDER is the package, by default the one beside tools/. Modules directly in it are the room `core`. Exit status 1 if an import
goes to a later room or has a star, if a module takes a private name of another, or if two define the same public name.
"""
import ast, sys
from pathlib import Path

ROOMS = 'core', 'rewards', 'tiny', 'scale', 'lab'
PATCHES = {'patch', 'patch_to', 'patch_property'}    # fastcore's: what they decorate is a method of another class
BLOCKS = ast.If, ast.Try, ast.ExceptHandler, ast.With, ast.For, ast.While

def private(name): return name.startswith('_') and not name.endswith('__')

def room(mod):
    p = mod.split('.')
    return p[1] if len(p)>2 or p[-1] in ROOMS else 'core'

def dotted(o):
    "The expression `a.b.c` as text"
    return f'{dotted(o.value)}.{o.attr}' if isinstance(o, ast.Attribute) else getattr(o, 'id', '')

def public(node):
    "Functions, classes and constants at the top level of `node`, each with its line"
    for o in ast.iter_child_nodes(node):
        names = []
        if isinstance(o, BLOCKS): yield from public(o)
        elif isinstance(o, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            marks = {dotted(getattr(d, 'func', d)).split('.')[-1] for d in o.decorator_list}
            if not marks & PATCHES: names = [o.name]
        elif isinstance(o, (ast.Assign, ast.AnnAssign)):
            names = [n.id for t in getattr(o, 'targets', None) or [o.target] for n in ast.walk(t)
                     if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        yield from ((n, o.lineno) for n in names if not n.startswith('_'))

def imports(node, mod, is_package):
    "What `node` imports into `mod`: from where, which name (empty for a whole module), and what it is called there"
    if isinstance(node, ast.Import): yield from ((a.name, '', a.asname) for a in node.names)
    if isinstance(node, ast.ImportFrom):
        base = [*mod.split('.'), *[''] * is_package][:-node.level] if node.level else []
        src = '.'.join([*base, *filter(None, [node.module])])
        yield from ((src, a.name, a.asname or a.name) for a in node.names)

def check(root):
    "Offences, and the counts"
    files = {'.'.join([root.name, *f.relative_to(root).with_suffix('').parts]).removesuffix('.__init__'): f
             for f in sorted(root.rglob('*.py')) if f.name!='_modidx.py'}
    trees = {m: ast.parse(f.read_text(encoding='utf-8')) for m,f in files.items()}
    at = lambda m, line: f'{files[m].relative_to(root.parent)}:{line}'
    bad, arrows, owners = [], set(), {}
    for m,tree in trees.items():
        if room(m) not in ROOMS: bad.append(f'{at(m, 1)}: {room(m)} is not one of the rooms {", ".join(ROOMS)}')
        known = {}    # names of this module that stand for a module of the package
        for line,src,name,local in ((o.lineno, *i) for o in ast.walk(tree) for i in imports(o, m, files[m].name=='__init__.py')):
            if name=='*': bad.append(f'{at(m, line)}: star import from {src}')
            if src.split('.')[0]!=root.name: continue
            if f'{src}.{name}' in files: src,name = f'{src}.{name}',''
            if not name: known.update({local: src} if local else {root.name: root.name})
            if src!=m: arrows.add((m, src))
            if room(src) in ROOMS and room(m) in ROOMS[:ROOMS.index(room(src))]:
                bad.append(f'{at(m, line)}: {room(m)} imports {src}, which is in the later room {room(src)}')
            if any(map(private, [*src.split('.'), name])): bad.append(f'{at(m, line)}: private import {src}.{name}')
        for o in ast.walk(tree):
            if not (isinstance(o, ast.Attribute) and private(o.attr)): continue
            first,*rest = dotted(o.value).split('.')
            src = '.'.join([known.get(first, ''), *rest])
            if src in files and src!=m: bad.append(f'{at(m, o.lineno)}: private attribute {src}.{o.attr}')
        for n,line in public(tree): owners.setdefault(n, {}).setdefault(m, at(m, line))
    bad += [f'{" and ".join(o.values())}: {n} is defined twice' for n,o in owners.items() if len(o)>1]
    rooms, mods = len(set(map(room, files))), sum(f.name!='__init__.py' for f in files.values())
    return bad, (f'{rooms} rooms, {mods} modules, {len(arrows)} arrows, {sum(room(a)!=room(b) for a,b in arrows)} between rooms, '
                 f'0 private crossings, {len(owners)} public names')

if __name__=='__main__':
    bad, counts = check(Path(*sys.argv[1:2] or [Path(__file__).parents[1]/'flowopd']).resolve())
    if bad: sys.exit('\n'.join(bad))
    print(counts)
