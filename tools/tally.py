#!/usr/bin/env python3
"""Pass on what `nbdev_test --do_print` says, then close with `N passed, 0 failed`.

Usage: nbdev_test --do_print | python tools/tally.py
N counts the notebooks that nbdev_test reports as run. Exit status 1 unless it also reports success.
"""
import sys

if __name__=='__main__':
    n = ok = 0
    for line in sys.stdin:
        print(line, end='', flush=True)
        n += line.count('- Completed ')
        ok |= line.strip()=='Success.'
    if not (n and ok): sys.exit('The tests failed.')
    print(f'{n} passed, 0 failed')
