#!/usr/bin/env python3
"""Open every page of the built site in a browser, and see what a reader would stumble over.

Usage: tools/browse.py [FOLDER]
FOLDER is the built site, by default _site (tools/preview_docs.py) or else _docs (nbdev_docs). Needs Chromium or Chrome. At the
width of a phone, 390 pixels: no page is wider than that, every picture loads and has a caption or other words, every link
inside the site leads to a page and a place that exist, the sidebar leads to every page, the search finds what is looked for, and
no script fails. Exit status 1 otherwise, 2 if there is no browser.
"""
import json, re, shutil, subprocess, sys, tempfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

BROWSERS = 'chromium', 'chromium-browser', 'google-chrome', 'chrome'
WANTED = 'reward hacking', 'advantage', 'anchor', 'guidance'
MINUTES = 10

PAGE = '''<!doctype html><iframe id=f width=390 height=800></iframe><script>
const pages = PAGES, wanted = WANTED, bad = [], ids = {}, links = [], f = document.getElementById("f");
const wait = ms => new Promise(r => setTimeout(r, ms));
const say = (p, what) => bad.push(p + ": " + what);
const open = p => new Promise(r => {f.onload = r; f.src = "/" + p;});
async function look(p) {
  await open(p); const d = f.contentDocument, w = f.contentWindow;
  for (let k = 0; k < 50 && [...d.images].some(i => !i.complete); k++) {
    d.querySelectorAll("img[loading=lazy]").forEach(i => i.loading = "eager"); await wait(50);}
  const wide = d.documentElement.scrollWidth;
  if (wide > 390) say(p, "is " + wide + " pixels wide");
  for (const i of d.images) {
    if (!i.naturalWidth) say(p, "picture does not load: " + i.src.slice(0, 80));
    if (!i.alt && !i.closest("figure")?.querySelector("figcaption")) say(p, "picture without words: " + i.src.slice(0, 60));}
  ids[p] = new Set([...d.querySelectorAll("[id]")].map(e => e.id));
  for (const a of d.querySelectorAll("a[href]")) if (a.origin === location.origin)
    links.push([p, decodeURIComponent(a.pathname.slice(1)) || "index.html", decodeURIComponent(a.hash.slice(1))]);
}
async function all() {
  for (const p of pages) await look(p).catch(e => say(p, e));
  for (const [p, to, at] of links) {
    if (!(to in ids)) say(p, "link to no page: " + to);
    else if (at && !ids[to].has(at)) say(p, "link to no place: " + to + "#" + at);}
  const side = new Set(links.filter(l => l[0] === pages[0]).map(l => l[1]));
  for (const p of pages) if (!side.has(p)) say("sidebar", "does not lead to " + p);
  const index = await (await fetch("/search.json")).json();
  for (const w of wanted) if (!index.some(e => (e.title + e.section + e.text).toLowerCase().includes(w))) say("search", "does not find " + w);
  await fetch("/done", {method: "POST", body: JSON.stringify({bad, links: links.length})});
}
all();</script>'''

class Site(SimpleHTTPRequestHandler):
    "The site, a page that looks at its pages, and what that page has found"
    def do_GET(self):
        if self.path!='/look': return super().do_GET()
        s = self.server; self.send_response(200); self.send_header('Content-Type', 'text/html'); self.end_headers()
        self.wfile.write(PAGE.replace('PAGES', json.dumps(s.pages)).replace('WANTED', json.dumps(WANTED)).encode())
    def do_POST(self):
        self.server.found = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        self.send_response(200); self.end_headers(); self.server.done.set()
    def log_message(self, *args): pass

def look(site, browser):
    "What is wrong with the pages of `site`, and how many links they have"
    s = ThreadingHTTPServer(('127.0.0.1', 0), partial(Site, directory=str(site)))
    s.pages = sorted((f.relative_to(site).as_posix() for f in site.rglob('*.html')), key=lambda p: (p!='index.html', p))
    s.done = Event(); Thread(target=s.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as home, open(Path(home)/'said', 'w+') as said:
        p = subprocess.Popen([browser, '--headless', '--no-sandbox', '--disable-gpu', f'--user-data-dir={home}', '--enable-logging=stderr',
                              f'http://127.0.0.1:{s.server_port}/look'], stdout=said, stderr=said)
        done = s.done.wait(60*MINUTES); p.terminate(); p.wait()
        said.seek(0); errors = re.findall(r'CONSOLE.*?"(Uncaught .*?)", source: (\S+)', said.read())
    if not done: sys.exit(f'{browser} has not seen all pages after {MINUTES} minutes')
    return sorted({*s.found['bad'], *(f'{src.split("/", 3)[-1]}: {e}' for e,src in errors)}), s.found['links'], len(s.pages)

if __name__=='__main__':
    root = Path(__file__).resolve().parents[1]
    site = next((f for f in map(Path, [*sys.argv[1:], root/'_site', root/'_docs']) if (f/'index.html').exists()), None)
    if not site: sys.exit('no site: run tools/preview_docs.py first')
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser: print(f'no browser: install one of {", ".join(BROWSERS)}', file=sys.stderr); sys.exit(2)
    bad,links,pages = look(site.resolve(), browser)
    if bad: sys.exit('\n'.join(bad))
    print(f'{pages} pages, {links} links: nothing to stumble over')
