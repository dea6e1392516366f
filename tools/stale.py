#!/usr/bin/env python3
"""Find stored outputs that their cells no longer make: run every quick cell and compare, without writing anything.

Usage: tools/stale.py [nbs/reference/00_world.ipynb ...]
Without names: all notebooks, two at a time, each in a fresh process. Words and whole numbers must be the same; decimals may differ by
rounding (another processor adds up in another order), and in a cell with `#| timed` by anything; a picture must have its size and, coarsely, its looks.
"""
import base64, io, os, re, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np
from execnb.nbio import read_nb
from nbdev.doclinks import nbglob
from PIL import Image
from run_nbs import execute

NUMBER = re.compile(r'[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?|[-+]?\.\d+(?:e[-+]?\d+)?')
PICTURES = 'image/png', 'image/jpeg'

def unlike(a, b, timed=False):
    "What two texts differ in, or None"
    a,b = (re.sub(r'(?<=/tmp/tmp)\w+', '', s) for s in (a, b))
    words = [NUMBER.sub('#', s).split() for s in (a, b)]
    if words[0]!=words[1]: return next((f'{x} | {y}' for x,y in zip(*words) if x!=y), 'its length')
    for x,y in zip(*(NUMBER.findall(s) for s in (a, b))):
        if timed or x==y: continue
        digits = max(len(n.partition('e')[0].partition('.')[2]) for n in (x, y))
        if not digits or not np.isclose(float(x), float(y), rtol=1e-3, atol=2*10.**-digits): return f'{x} | {y}'

def unlike_picture(a, b):
    "What two pictures differ in, or None; each pixel of a sixteenth of their size counts"
    a,b = (Image.open(io.BytesIO(base64.b64decode(''.join(x)))).convert('RGB') for x in (a, b))
    if max(abs(m-n) for m,n in zip(a.size, b.size)) > 2: return f'{a.size} | {b.size}'
    small = [np.asarray(x.resize((max(1, a.width//16), max(1, a.height//16)), Image.BOX), float) for x in (a, b)]
    far = np.abs(small[0]-small[1]).max()
    if far > 40: return f'the looks, by {far:.0f} of 255'

def differences(was, now, ran):
    "Of two notebooks, the cells that ran and whose outputs differ, and in what"
    for old,new in zip(was['cells'], now['cells'], strict=True):
        if new['id'] not in ran: continue
        timed = '#| timed' in ''.join(new['source'])
        a,b = old['outputs'],new['outputs']
        if [o['output_type'] for o in a]!=[o['output_type'] for o in b]: yield new['id'],'the outputs it has'; continue
        for x,y in zip(a, b):
            x,y = (o.get('data', {'text/plain': o.get('text', '')}) for o in (x, y))
            if x.keys()!=y.keys(): yield new['id'],f'{[*x]} | {[*y]}'
            for kind in x.keys() & y.keys():
                if kind in PICTURES: d = unlike_picture(x[kind], y[kind])
                elif kind in ('text/plain', 'text/markdown'): d = unlike(*(''.join(o[kind]) for o in (x, y)), timed)
                else: d = None      # widgets and animations: their pictures are drawn from what was compared
                if d: yield new['id'],d

def check(fn):
    "Lines about one notebook"
    fn = Path(fn).resolve(); was = read_nb(fn)
    now,ran = execute(fn)
    return [f'{fn.name}, cell {i}: {d}' for i,d in differences(was, now, ran)]

if __name__=='__main__':
    os.environ.setdefault('HF_HUB_OFFLINE', '1')
    nbs = sys.argv[1:] or sorted(nbglob())
    if len(nbs)==1: lines = check(nbs[0])
    else:
        def alone(fn): return subprocess.run([sys.executable, __file__, str(fn)], capture_output=True, text=True)
        with ThreadPoolExecutor(2) as pool: runs = [*pool.map(alone, nbs)]
        lines = [l for r in runs for l in r.stdout.splitlines() if l]
        lines += [f'{fn} failed: {(r.stderr.split() or ["?"])[-1]}' for fn,r in zip(nbs, runs) if r.returncode and not r.stdout.strip()]
    print(*lines, sep='\n')
    sys.exit(bool(lines))
