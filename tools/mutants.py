#!/usr/bin/env python3
"""Break the package in one place at a time, and see whether the notebook that guards the place fails.

Usage: tools/mutants.py [--jobs 2] [--only SUBSTRING] [--out FILE] [--list] [--no-control]
tools/mutants.json has the mutants: {"notebook": "04_grpo", "name": ..., "connection": ..., "old": ..., "new": ...}. `old` occurs
once in the exported cells of the notebook. It is replaced there and in the module, in a copy of the repository. Then the quick
cells of the notebook run, or those of "guard": ["07b_recipe", ...], as tools/run_nbs.py runs them. A mutant is killed if one of
them fails or takes ten minutes; it survives if all pass. First all guards run as they are (not with --no-control); exit status 2
unless they pass. At the end exit status 1 if fewer than 95 % are killed, with --list, which runs nothing, if a mutant cannot be
made. --only looks at notebook, connection and name. --out writes down what is printed.
"""
import argparse, json, os, re, shutil, signal, subprocess, sys, tempfile, time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = 'flowopd', 'nbs', 'settings.ini'    # what a run may write to, or finds itself by; the rest are links
MINUTES, ENOUGH = 10, .95

def source(c): return ''.join(c['source'])
def page(root, notebook): return next((root/'nbs').rglob(f'{notebook}.ipynb'))
def guards(m): return m.get('guard') or [m['notebook']]
def title(m): return f"{m['notebook']}: {m['name']}"

def find(m, root=ROOT):
    "The notebook of a mutant, its cell, the code before and after, and the file of the module; ValueError if it has none"
    nb = json.loads(page(root, m['notebook']).read_text(encoding='utf-8'))
    code = [c for c in nb['cells'] if c['cell_type']=='code']
    own = [c for c in code if source(c).startswith('#| export')]
    if (n := sum(source(c).count(m['old']) for c in own))!=1: raise ValueError(f'`old` occurs {n} times')
    cell = next(c for c in own if m['old'] in source(c))
    first,was = source(cell).split('\n', 1)
    compile(now := was.replace(m['old'], m['new']), m['notebook'], 'exec')
    if now==was: raise ValueError('`new` is `old`')
    module = first.split()[2:] or [o for c in code for o in re.findall(r'^#\| default_exp (\S+)', source(c))]
    file = root/'flowopd'/f"{module[0].replace('.', '/')}.py"
    if (n := file.read_text(encoding='utf-8').count(was))!=1: raise ValueError(f'its cell is {n} times in {file.name}: nbdev_export?')
    return nb, cell, was, now, file

def listed(ms):
    "Print how many mutants each connection has; exit status 1 if one cannot be made"
    bad = [f'{n} mutants are called {k}' for k,n in Counter(map(title, ms)).items() if n > 1]
    for m in ms:
        try: find(m)
        except (ValueError, SyntaxError, OSError) as e: bad.append(f'{title(m)}: {e}')
    for k,n in Counter(m['connection'] for m in ms).items(): print(f'{n:4} {k}')
    print(f'{len(ms)} mutants', flush=True)
    if bad: sys.exit('\n'.join(bad))

def copied(root):
    "Copy the repository to `root`, as far as a notebook may write to it"
    for p in ROOT.iterdir():
        if p.name.startswith('.'): continue
        if p.name not in COPIED: (root/p.name).symlink_to(p)
        elif p.is_dir(): shutil.copytree(p, root/p.name, ignore=shutil.ignore_patterns('__pycache__', '.*'))
        else: shutil.copy(p, root)

def passes(root, notebook):
    "Does the notebook pass in the copy at `root`? And its last words"
    (root/'tmp').mkdir(exist_ok=True)
    env = os.environ | dict(PYTHONPATH=str(root), TMPDIR=str(root/'tmp'), HF_HUB_OFFLINE='1', OMP_NUM_THREADS='1')
    cmd = [sys.executable, 'tools/run_nbs.py', str(page(root, notebook).relative_to(root))]
    with (open(root/'said', 'w+', encoding='utf-8') as f,
          subprocess.Popen(cmd, cwd=root, env=env, stdout=f, stderr=f, start_new_session=True) as p):
        try: ok = p.wait(60*MINUTES)==0
        except subprocess.TimeoutExpired: return False, f'more than {MINUTES} minutes'
        finally:
            if p.poll() is None: os.killpg(p.pid, signal.SIGKILL)    # with the processes that it has started
        f.seek(0)
        return ok, ' '.join([l for l in f.read().splitlines() if l.strip()][-1:])[:160]

def run(m):
    "Make a mutant (without `old`, none) and run its guards: did all pass, what did the last one say, and in how many seconds"
    start = time.time()
    with tempfile.TemporaryDirectory(prefix='mutant') as d:
        copied(root := Path(d))
        if 'old' in m:
            nb,cell,was,now,file = find(m, root)
            cell['source'] = source(cell).replace(was, now)
            page(root, m['notebook']).write_text(json.dumps(nb), encoding='utf-8')
            file.write_text(file.read_text(encoding='utf-8').replace(was, now), encoding='utf-8')
        for g in guards(m):
            ok,said = passes(root, g)
            if not ok: break
    return ok, f'{g}: {said}', time.time()-start

def main(a):
    ms = [m for m in json.loads((ROOT/'tools/mutants.json').read_text(encoding='utf-8')) if a.only in f"{title(m)} {m['connection']}"]
    listed(ms)
    if a.list: return 0
    killed, names = Counter(), [] if a.no_control else sorted({g for m in ms for g in guards(m)})
    with open(a.out, 'w', encoding='utf-8') as f, ThreadPoolExecutor(a.jobs) as pool:
        def tell(s): print(s, flush=True) or print(s, file=f, flush=True)
        for ok,said,s in pool.map(run, [dict(notebook=n) for n in names]):
            tell(f"{'as it is' if ok else 'FAILS   '} {s:4.0f} s  {said}")
            if not ok: return pool.shutdown(cancel_futures=True) or 2
        for m,(ok,said,s) in zip(ms, pool.map(run, ms)):
            killed[m['connection']] += not ok
            tell(f"{'SURVIVES' if ok else 'killed  '} {s:4.0f} s  {title(m)}  [{said}]")
        share = sum(killed.values())/max(len(ms), 1)
        tell(f'{len(ms)} mutants, {sum(killed.values())} killed ({100*share:.0f} %)\n\n| connection | mutants | killed |\n| --- | --- | --- |')
        for k,n in Counter(m['connection'] for m in ms).items(): tell(f'| {k} | {n} | {killed[k]} |')
    return share < ENOUGH

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for k,kind,default in (('jobs', int, 2), ('only', str, ''), ('out', Path, os.devnull)): p.add_argument(f'--{k}', type=kind, default=default)
    for k in ('list', 'no-control'): p.add_argument(f'--{k}', action='store_true')
    sys.exit(main(p.parse_args()))
