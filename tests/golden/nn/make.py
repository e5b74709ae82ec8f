"""Makes the *.json files here: outputs and gradients of every module and criterion of Torch7, from formulas alone.

Independent of the Rust and Lua code: the formulas of Torch7's documentation and sources, written with PyTorch's
operators in float64; gradients by PyTorch's autograd, or by Torch7's rule where that is no derivative.
Run: python3 make.py (in this folder; needs torch and numpy). Each recipe, NAME.py, makes NAME.json.
"""
import importlib, json, pathlib, platform
import numpy, torch
import recipe

HERE = pathlib.Path(__file__).parent
KINDS = ["linear", "convolution", "pooling", "pointwise", "normalisation", "shape", "tables", "containers", "criteria", "dpnn"]


def line(value):
    return json.dumps(value, separators=(", ", ": "))


def main():
    torch.set_default_dtype(torch.double)
    torch.set_num_threads(1)
    for kind in KINDS:
        recipe.CASES.clear()
        importlib.import_module(kind)
        header = {"made_by": f"tests/golden/nn/{kind}.py", "torch": torch.__version__, "numpy": numpy.__version__,
                  "python": platform.python_version()}
        lines = [f'  {line(key)}: {line(value)}' for key, value in header.items()]
        cases = []
        for case in recipe.CASES:
            fields = [f"      {line(key)}: {line(value)}" for key, value in case.items()]
            cases.append("    {\n" + ",\n".join(fields) + "\n    }")
        lines.append('  "cases": [\n' + ",\n".join(cases) + "\n  ]")
        (HERE / f"{kind}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
        print(f"{kind}: {len(recipe.CASES)} cases")


main()
