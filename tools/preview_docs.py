#!/usr/bin/env python3
"""Render nbs/ to _site/ without Quarto, for a look: nbdev's own processing, then smalldocs. `nbdev_docs` builds the real site.

Usage: tools/preview_docs.py [FOLDER]
FOLDER is the `dist` folder of the npm package katex, for maths without the network. flowopd must be installed (pip install -e .).
"""
import re, shutil, sys
from collections import Counter
from nbdev.config import get_config
from nbdev.doclinks import _build_modidx
from nbdev.quarto import refresh_quarto_yml, nbdev_sidebar
from nbdev.serve import proc_nbs

def main(katex=None):
    cfg = get_config()
    refresh_quarto_yml(); _build_modidx(); nbdev_sidebar.__wrapped__()
    cache = proc_nbs(n_workers=1, force=True)         # nbdev_proc_nbs without its attempt to install quarto
    # the page names Quarto gives: front matter's output-file, which smalldocs does not read
    nbs = sorted(cache.rglob('*.ipynb')); names = {f.name: re.sub(r'^\d+[a-zA-Z0-9]*_', '', f.name) for f in nbs}
    pages = Counter(names.values())
    if twice := [n for n,k in pages.items() if k > 1]: sys.exit(f'two notebooks would be one page, {", ".join(twice)}: rename one')
    for f in [*nbs, cache/'_quarto.yml']:
        f.write_text(re.sub(r'(?<![\w-])[\w-]+\.ipynb', lambda m: names.get(m[0], m[0]), f.read_text()))
        f.rename(f.with_name(names.get(f.name, f.name)))
    import smalldocs.layout as L
    if katex: L.KATEX = '/katex'
    from smalldocs.site import build
    site = build(cache, quiet=True)
    for w in site.warnings:
        if 'output-file' not in w: print('warning:', w, file=sys.stderr)
    out = cfg.config_path/'_site'; shutil.rmtree(out, ignore_errors=True); shutil.move(cache/cfg.doc_path.name, out)
    home = f'{cfg.doc_host}{cfg.doc_baseurl}/'        # nbdev links names to the published site; keep the preview inside itself
    for f in out.rglob('*.html'): f.write_text(f.read_text().replace(f'href="{home}', f'href="{"../"*(len(f.relative_to(out).parts)-1)}'))
    if katex: shutil.copytree(katex, out/'katex')
    print(f'{len(list(out.rglob("*.html")))} pages in {out}')

if __name__=='__main__': main(*sys.argv[1:])
