#!/usr/bin/env python3
"""Run notebooks by nbdev's own rules and store the outputs in them, cleaned.

Usage: tools/run_nbs.py [--flags 'gpu slow'] [nbs/reference/00_world.ipynb ...]
Without names: all notebooks, each in a fresh process. Cells under a test flag that is not given keep their outputs.
"""
import argparse, os, random, subprocess, sys, time, uuid
from pathlib import Path
from execnb.nbio import read_nb, write_nb, nb2dict
from execnb.shell import CaptureShell
from nbdev.clean import clean_nb
from nbdev.config import get_config
from nbdev.doclinks import nbglob
from nbdev.process import extract_directives

def execute(fn, force=()):
    "Run `fn` in this process: the notebook with its new outputs, and the ids of cells that ran; a skipped cell keeps its outputs"
    cfg = get_config(); fn = Path(fn).resolve()
    skip,ran = set(cfg.tst_flags.split()) - set(force), set()
    nb = read_nb(fn)
    def no_eval(c):
        if c.cell_type!='code' or 'nbdev_export'+'(' in c.source: return True
        d = extract_directives(c, remove=False)
        if d.get('eval:', [''])[0].lower()=='false' or skip & d.keys(): return True
        c.outputs = []; ran.add(c.id)      # execnb leaves old outputs where a cell prints nothing now
    sys.path.insert(0, str(cfg.config_path)); os.chdir(fn.parent)
    rng = random.Random(fn.name)    # ids of widgets and animations: the same at every run, so that diffs stay clean
    uuid.uuid4 = lambda: uuid.UUID(int=rng.getrandbits(128), version=4)
    k = CaptureShell(fn)
    try: k.run_all(nb, exc_stop=True, preproc=no_eval)
    except Exception: sys.exit(k.prettytb(fname=fn))
    for c in nb.cells:      # warnings and progress bars are for whoever runs it, not for the reader
        if c.cell_type=='code': c.outputs = [o for o in c.outputs if o.get('name')!='stderr']
    try: from ipywidgets import Widget
    except ImportError: pass
    else:
        state = Widget.get_manager_state(drop_defaults=True)
        if state['state']: nb.metadata['widgets'] = {'application/vnd.jupyter.widget-state+json': state}
    d = nb2dict(nb); d.pop('path_', None)
    clean_nb(d, clean_ids=cfg.clean_ids)
    return d,ran

def run_nb(fn, force=()):
    "Execute `fn` and store its outputs in it"
    t,fn = time.time(),Path(fn).resolve()
    write_nb(execute(fn, force)[0], fn)
    print(f'{fn.name}: {time.time()-t:.0f} s', flush=True)

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('nbs', nargs='*'); p.add_argument('--flags', default='')
    a = p.parse_args()
    if 'gpu' not in a.flags: os.environ.setdefault('HF_HUB_OFFLINE', '1')    # as in the README's test command
    nbs = a.nbs or sorted(nbglob())
    if len(nbs)==1: run_nb(nbs[0], a.flags.split())
    else:           # one fresh process a notebook: no state leaks from one to the next
        for o in nbs:
            if subprocess.run([sys.executable, __file__, o, '--flags', a.flags]).returncode: sys.exit(f'{o} failed')
