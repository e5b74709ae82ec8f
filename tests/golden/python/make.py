"""Writes what CPython prints for each snippet of *.py here into *.txt: `python3 make.py` (3.11 or later).

Snippets stand between lines `#%%`. An exception that leaves a snippet is shown as `!` and its class: the words are ours.
"""
import contextlib, glob, io, os, sys, warnings

warnings.simplefilter("ignore")
here = os.path.dirname(os.path.abspath(__file__))
for path in sorted(glob.glob(os.path.join(here, "*.py"))):
    if os.path.basename(path) == "make.py":
        continue
    with open(path, encoding="utf-8") as file:
        snippets = file.read().split("#%%\n")
    shown = []
    for snippet in snippets:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            try:
                exec(compile(snippet, "snippet.py", "exec"), {"__name__": "__main__"})
            except SystemExit:
                raise
            except BaseException as error:
                print("!" + type(error).__name__)
        shown.append(out.getvalue())
    with open(path[:-3] + ".txt", "w", encoding="utf-8") as file:
        file.write("#%%\n".join(shown))
    print(os.path.basename(path), len(snippets), "snippets, CPython", sys.version.split()[0])
