#!/usr/bin/env python3
"""Check that every link inside the repository leads somewhere: pages, headings, pictures; and that all notebooks are in the sidebar.

Usage: tools/links.py
Reads the text cells of all notebooks, README.md, CONTRIBUTING.md and _quarto.yml. Exit status 1 if a link leads nowhere.
"""
import json, re, sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = re.compile(r'```.*?```|`[^`\n]*`', re.S)

def slug(h): return re.sub(r'[^\w\- ]', '', h.lower()).strip().replace(' ', '-')

@cache
def text(f):
    "What is written in `f`, without its code"
    s = f.read_text(encoding='utf-8')
    if f.suffix=='.ipynb': s = '\n\n'.join(''.join(c['source']) for c in json.loads(s)['cells'] if c['cell_type']=='markdown')
    return CODE.sub(lambda m: '' if m[0].startswith('```') else m[0][1:-1].replace('](', '] ('), s)

def anchors(f): return set(map(slug, re.findall(r'^#+ (.*)$', text(f), re.M)))

def broken(f):
    "Links of `f` that lead nowhere"
    for to in re.findall(r'\]\(([^)\s]+)\)', text(f)):
        if re.match(r'[a-z]+:', to): continue
        path,_,where = to.partition('#'); g = (f.parent/path).resolve() if path else f
        if not g.is_file(): yield f'{to}: no such file'
        elif where and where not in anchors(g): yield f'{to}: no such heading'

if __name__=='__main__':
    nbs = [f for f in sorted((ROOT/'nbs').rglob('*.ipynb')) if '.ipynb_checkpoints' not in f.parts]
    bad = [f'{f.relative_to(ROOT)}: {o}' for f in [*nbs, ROOT/'README.md', ROOT/'CONTRIBUTING.md'] for o in broken(f)]
    listed = re.findall(r'^ *- ([\w/]+\.ipynb)$', (ROOT/'_quarto.yml').read_text(), re.M)
    pages = {f.relative_to(ROOT/'nbs').as_posix() for f in nbs}
    bad += [f'_quarto.yml: {o} is not in the sidebar' for o in sorted(pages - {*listed})]
    bad += [f'_quarto.yml: {o} is no notebook' for o in sorted({*listed} - pages)]
    if bad: sys.exit('\n'.join(bad))
    print(f'{sum(len(re.findall(r"[.]ipynb[)#]", text(f))) for f in nbs)} links between {len(nbs)} notebooks')
