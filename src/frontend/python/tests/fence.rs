//! Files that mean harm, or are merely wrong in a large way: each ends in a page, soon, and takes nothing with it.

use std::time::Duration;

use super::{Interpreter, Options, run, run_with};
use crate::error::Kind;
use crate::frontend::watchdog::processor_time;

/// A text ends in a page of this kind that has these words. How soon, a slow machine decides: a limit of the time must come after
/// that of the memory.
#[track_caller]
fn ends(text: &str, kind: Kind, words: &str) {
    ends_within(Duration::from_secs(9), text, kind, words);
}

/// As [`ends`], with a limit of its own.
#[track_caller]
fn ends_within(processor_limit: Duration, text: &str, kind: Kind, words: &str) {
    let start = processor_time();
    let options = Options { processor_time: processor_limit, memory_limit: 24 << 20, ..Options::default() };
    let (_, page) = run_with(text, options, |_| {});
    let shown = &text[..text.len().min(200)];
    let page = page.unwrap_or_else(|| panic!("no page for {shown}"));
    assert_eq!(page.kind(), kind, "{shown}\n{page}");
    assert!(page.to_string().contains(words), "{words:?} is not on the page of {shown}\n{page}");
    let took = processor_time() - start;
    assert!(took < processor_limit.max(Duration::from_secs(2)) + Duration::from_secs(1), "{shown} took {took:?}");
}

#[test]
fn endless_loops_are_stopped() {
    for text in [
        "while True: pass",
        "while True:\n    try:\n        while True: pass\n    except:\n        pass\n    finally:\n        x = 1",
        "for i in range(10 ** 18): pass",
        "sum(range(10 ** 18))",
        "any(False for i in range(10 ** 18))",
        "10 ** 18 + 1 in (i for i in range(10 ** 18))",
        "class A:\n    def __iter__(self): return self\n    def __next__(self): return 1\nall(A())",
        "list(map(lambda x: None, iter(lambda: 1, 2)))",
    ] {
        let kind = if text.contains("iter(lambda") { Kind::Python } else { Kind::Limit };
        ends_within(
            Duration::from_millis(200),
            text,
            kind,
            if kind == Kind::Limit { "processor time" } else { "iter()" },
        );
    }
}

#[test]
fn huge_sizes_are_refused_before_anything_is_allocated() {
    for text in [
        "'a' * (1 << 40)",
        "[0] * 10 ** 12",
        "(1,) * (1 << 60)",
        "x = [1]\nx *= 1 << 50",
        "list(range(10 ** 18))",
        "[i for i in range(10 ** 18)]",
        "a, *b = range(10 ** 18)",
        "sorted(range(10 ** 12))",
        "tuple(range(1 << 40))",
        "set(range(1 << 40))",
        "dict.fromkeys(range(1 << 40))",
        "'x'.ljust(1 << 40)",
        "'x'.zfill(1 << 40)",
        "'x'.center(1 << 40)",
        "s = 'a' * 1000000\ns.replace('a', s)",
        "s = 'a' * 1000000\nt = s.join([s] * 1000)",
        "s = 'ab'\nwhile True: s += s",
        "x = [1]\nwhile True: x += x",
        "x = []\nwhile True: x.append(x[:])",
        "x = {}\ni = 0\nwhile True:\n    x[i] = 'abc' * 100\n    i += 1",
        "x = []\nwhile True:\n    x = [x]",
        "class A: pass\na = []\nwhile True: a.append(A())",
        "f = lambda: 0\nwhile True:\n    f = lambda g=f: g",
        "x = 'a,' * 1000000\ny = []\nwhile True: y.append(x.split(','))",
        "x = [[0] * 1000] * 1000000\n[list(y) for y in x]",
        "print(*(['a' * 1000000] * 1000000))",
    ] {
        ends(text, Kind::Limit, "MiB");
    }
    for text in
        ["1 << 10 ** 9", "2 ** 10 ** 9", "9 ** 99", "10 ** 18 * 10 ** 18", "-(-(1 << 62) * 2)", "99999999999999999999"]
    {
        ends(text, Kind::Python, "OverflowError");
    }
    for text in ["'%99999999999d' % 1", "'{:99999999999}'.format(1)", "f'{1:999999999999}'", "'%.*f' % (1 << 40, 1.0)"]
    {
        ends(text, Kind::Python, "ValueError");
    }
    assert_eq!(
        run("print('%.1000000f' % 0.1 == '{:.1000000f}'.format(0.1), len('{:0900000,}'.format(1)))").0,
        "True 900001\n"
    );
}

#[test]
fn many_names_and_ancestors_cost_what_they_take() {
    assert_eq!(run("def f(**k): return len(k)\nprint(f(**{str(i): i for i in range(20000)}))").0, "20000\n");
    ends("A = object\nwhile True:\n    class A(A): pass", Kind::Python, "more than 100 ancestors");
}

#[test]
fn printing_without_end_is_cut_off() {
    let options = Options { print_limit: 100, ..Options::default() };
    let (printed, page) = run_with("for i in range(1000): print('line', i)", options, |_| {});
    assert!(page.is_none());
    assert!(printed.len() < 250 && printed.contains("[print is cut off here"), "{printed}");
}

#[test]
fn ranges_cost_nothing() {
    assert_eq!(
        run("r = range(10 ** 18)\nprint(len(r), r[-1], 10 ** 17 in r, 0.5 in range(3), r[::10 ** 9][5], range(-2 ** 62, 2 ** 62)[3])").0,
        "1000000000000000000 999999999999999999 True False 5000000000 -4611686018427387901\n"
    );
}

#[test]
fn deep_recursion_is_an_exception() {
    for text in [
        "def f(n): return f(n + 1)\nf(0)",
        "f = lambda: f()\nf()",
        "class A:\n    def __getattr__(self, n): return getattr(self, n + 'x')\nA().y",
        "class A:\n    def __repr__(self): return repr(self)\nrepr(A())",
        "class A:\n    def __eq__(self, o): return self == o\nA() == A()",
        "class A:\n    def __call__(self): return self()\nA()()",
        "class A:\n    @property\n    def x(self): return self.x\nA().x",
        "class A:\n    def __init__(self): A()\nA()",
        "def f(): return [f() for i in range(1)]\nf()",
        "def f(): return max([1], key=lambda x: f())\nf()",
        "def f(x): return sorted([2, 1], key=f)\nf(1)",
        "x = iter([1])\nfor i in range(30000): x = map(lambda y: y, x)\nlist(x)",
        "x = []\ny = []\nfor i in range(30000): x = [x]; y = [y]\nx == y",
        "x = ()\nfor i in range(30000): x = (x,)\nhash(x)",
    ] {
        ends(text, Kind::Python, "RecursionError");
    }
    let (printed, page) =
        run("x = []\nfor i in range(30000): x = [x]\ntry:\n    repr(x)\nexcept RecursionError:\n    print('caught')");
    assert!(page.is_none(), "{page:?}");
    assert_eq!(printed, "caught\n");
}

#[test]
fn deep_values_are_freed_without_recursion() {
    let text = "x = []\nfor i in range(50000): x = [x]\ny = ()\nfor i in range(50000): y = (y,)\nz = {}\nfor i in range(50000): z = {1: z}\n\
                f = None\nfor i in range(50000): f = (lambda g: lambda: g)(f)\nclass A: pass\na = None\nfor i in range(50000):\n    b = A()\n    b.a = a\n    a = b\n\
                i = iter([])\nfor k in range(50000): i = enumerate(i)\nprint('made')";
    let options = Options { processor_time: Duration::from_secs(100), ..Options::default() };
    let (printed, page) = run_with(text, options, |_| {});
    assert!(page.is_none(), "{page:?}");
    assert_eq!(printed, "made\n");
}

#[test]
fn deep_source_is_refused_before_the_parser_recurses() {
    for text in [
        format!("x = {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("x = {}", "(".repeat(100_000)),
        format!("x = {}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("x = {}1", "-".repeat(100_000)),
        format!("x = {}1", "not ".repeat(100_000)),
        format!("x = {}1", "lambda: ".repeat(50_000)),
        format!("x = {}1", "lambda a, b: ".repeat(50_000)),
        format!("x = 1{}", " + 1".repeat(100_000)),
        format!("x = 1{}", " ** 1".repeat(100_000)),
        format!("x = 1{}", " if 1 else 1".repeat(50_000)),
        format!("x = f{}", "()".repeat(100_000)),
        format!("x = f{}", ".a".repeat(100_000)),
        format!("x = f{}", "[0]".repeat(100_000)),
        format!("x = {}1{}", "{1: ".repeat(50_000), "}".repeat(50_000)),
        format!("x = {}1{}", "f(a, ".repeat(50_000), ")".repeat(50_000)),
        format!("x = {}", "f'{".repeat(50_000)),
        format!("x = {}1", "await ".repeat(50_000)),
        format!("x {} 1", "= y ".repeat(100_000)),
        (0..5000).map(|level| format!("{}if 1:\n", " ".repeat(level.min(150)))).collect::<String>(),
        (0..300).map(|level| format!("{}if 1:\n", " ".repeat(level))).collect::<String>() + &" ".repeat(300) + "pass",
    ] {
        let start = processor_time();
        let (_, page) = run(&text);
        let page = page.unwrap_or_else(|| panic!("no page for {}", &text[..40]));
        assert!(matches!(page.kind(), Kind::Limit | Kind::Python), "{page}");
        let took = processor_time() - start;
        assert!(took < Duration::from_secs(3), "{} took {took:?}", &text[..40]);
    }
    let long = format!("x = [{}]\nprint(len(x), sum(x))", "1, ".repeat(50_000));
    assert_eq!(run(&long).0, "50000 50000\n");
    let elifs = format!("x = 3\nif x == 0: pass\n{}else: print('end')", "elif x == 1: pass\n".repeat(5_000));
    assert_eq!(run(&elifs).0, "end\n");
    let (_, page) = run(&"#".repeat(2 << 20));
    let page = page.unwrap().to_string();
    assert!(page.contains("too large for a network file in Python"), "{page}");
}

#[test]
fn expressions_as_deep_as_allowed_are_evaluated() {
    assert_eq!(run(&format!("print(0{})", " + 1".repeat(900))).0, "900\n");
    assert_eq!(run(&format!("print({}1{})", "(".repeat(150), ")".repeat(150))).0, "1\n");
    assert_eq!(run(&format!("x = {}0\nprint(type(x).__name__)", "lambda: ".repeat(400))).0, "function\n");
}

#[test]
fn nothing_reaches_out() {
    for (text, name) in [
        ("open('/etc/passwd')", "`open`"),
        ("try:\n    open('/etc/passwd')\nexcept:\n    pass", "`open`"),
        ("exec('x = 1')", "`exec`"),
        ("eval('1')", "`eval`"),
        ("compile('1', '', 'eval')", "`compile`"),
        ("__import__('os')", "`__import__`"),
        ("__builtins__", "`__builtins__`"),
        ("globals()", "`globals`"),
        ("().__class__.__bases__[0].__subclasses__()", "`__bases__`"),
        ("().__class__.__mro__", "`__mro__`"),
        ("object.__subclasses__()", "`__subclasses__`"),
        ("(lambda: 0).__globals__", "`__globals__`"),
        ("(lambda: 0).__code__", "`__code__`"),
        ("getattr(lambda: 0, '__glo' + 'bals__')", "`__globals__`"),
        ("hasattr(lambda: 0, '__code__')", "`__code__`"),
        ("'{0.__class__.__base__}'.format(1)", "`__base__`"),
        ("print.__self__", "`__self__`"),
        ("[].append.__self__", "`__self__`"),
        ("class A:\n    def f(self): pass\nA().f.__func__", "`__func__`"),
        ("f = lambda: 0\nf.__code__ = 1", "`__code__`"),
        ("import math\nmath.__loader__", "`__loader__`"),
    ] {
        ends(text, Kind::Limit, name);
    }
    for text in
        ["import os", "import sys", "import subprocess", "from socket import *", "import builtins", "import ctypes"]
    {
        ends(text, Kind::Python, "ModuleNotFoundError");
    }
    ends("int.x = 1", Kind::Python, "built-in type 'int'");
    ends("Exception.__init__ = None", Kind::Python, "built-in type 'Exception'");
    ends("import math\nmath.pi = 3", Kind::Python, "AttributeError");
}

#[test]
fn a_limit_cannot_be_caught_and_runs_no_more_of_the_file() {
    let options = Options { processor_time: Duration::from_millis(100), ..Options::default() };
    let text = "class A:\n    def __enter__(self): pass\n    def __exit__(self, *a): print('exit')\n\
                try:\n    with A():\n        while True: pass\nexcept BaseException:\n    print('caught')\nfinally:\n    print('finally')";
    let (printed, page) = run_with(text, options, |_| {});
    assert_eq!(printed, "");
    assert_eq!(page.map(|page| page.kind()), Some(Kind::Limit));
}

#[test]
fn everything_is_freed_in_the_end_circles_too() {
    let interpreter = Interpreter::new(Options::default(), []);
    let text = "class A:\n    def f(self): return A\na = A()\na.me = a\nx = []\nx.append(x)\nd = {}\nd['d'] = d\n\
                def outer():\n    def inner(): return inner\n    return inner\nf = outer()\ng = (y for y in x)\nnext(g)\nA.g = g\nbig = 'x' * 1000000";
    interpreter.run("net.py", text).unwrap();
    let heap = std::rc::Rc::clone(&interpreter.heap);
    assert!(heap.live() > 1_000_000);
    drop(interpreter);
    assert_eq!(heap.live(), 0);
}

#[test]
fn garbage_without_circles_is_freed_at_once() {
    let options = Options { memory_limit: 8 << 20, processor_time: Duration::from_secs(60), ..Options::default() };
    let (printed, page) =
        run_with("for i in range(50):\n    x = 'a' * 1000000\n    y = [0] * 100000\nprint('done')", options, |_| {});
    assert!(page.is_none(), "{page:?}");
    assert_eq!(printed, "done\n");
}
