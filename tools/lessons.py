#!/usr/bin/env python3
"""Run lessons as a reader does who has installed the wheel and nothing else: by Jupyter's own kernel, in folders that hold only
notebooks. Cells under `slow`, `gpu` or `eval: false` are left out.

Usage: lessons.py FOLDER
FOLDER has copies of nbs/start, nbs/method and the like; two run at a time. Needs nbclient and ipykernel, and no nbdev.
"""
import re, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

OUT = re.compile(r'^#\|\s*(slow|gpu|eval:\s*false)\b', re.M)

def run(fn):
    "Execute the quick cells of a notebook in its own folder"
    import nbformat
    from nbclient import NotebookClient
    nb = nbformat.read(fn, 4)
    nb.cells = [c for c in nb.cells if c.cell_type=='code' and not OUT.search(c.source)]
    NotebookClient(nb, timeout=1200, kernel_name='python3', resources=dict(metadata=dict(path=str(fn.parent)))).execute()

def timed(fn):
    t,r = time.time(), subprocess.run([sys.executable, __file__, str(fn)], capture_output=True, text=True)
    print(f'{fn.name}: {time.time()-t:.0f} s' if not r.returncode else f'{fn.name} failed\n{r.stderr[-3000:]}', flush=True)
    return r.returncode

if __name__=='__main__':
    at = Path(sys.argv[1]).resolve()
    if at.is_file(): run(at)
    else:
        nbs = sorted(at.rglob('*.ipynb'))
        if not nbs: sys.exit(f'no notebooks in {at}')
        with ThreadPoolExecutor(2) as pool: bad = [*pool.map(timed, nbs)]
        if any(bad): sys.exit(1)
        print(f'{len(nbs)} lessons run from the wheel alone')
