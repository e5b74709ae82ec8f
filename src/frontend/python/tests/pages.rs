//! Pages: the line, the words, the calls, the remedy.

use super::run;

/// The page of a text, as it is shown.
fn page(text: &str) -> String {
    let (_, page) = run(text);
    page.unwrap_or_else(|| panic!("no page for {text}")).to_string()
}

#[track_caller]
fn shows(text: &str, parts: &[&str]) {
    let page = page(text);
    for part in parts {
        assert!(page.contains(part), "{part:?} is not on the page of\n{text}\n{page}");
    }
}

#[test]
fn a_mistake_in_a_helper_shows_the_calls() {
    assert_eq!(
        page("def dense(x, n):\n    return x * size\n\ndef net(x):\n    x = dense(x, 10)\n    return x\n\nnet(3)\n"),
        "Python error: NameError: name 'size' is not defined\n\n  net.py:2\n      2 |     return x * size\n\n  \
         the calls       line 2, in dense: return x * size\n                  line 5, in net: x = dense(x, 10)\n                  \
         line 8, in <module>: net(3)\n\n  help: nothing in the file has assigned `size` before this line"
    );
}

#[test]
fn names_and_attributes_suggest_the_nearest() {
    shows("weights = 1\nprint(wieghts)", &["net.py:2", "did you mean `weights`?"]);
    shows("import math\nmath.sqr(2)", &["module 'math' has no attribute 'sqr'", "did you mean `sqrt`?"]);
    shows(
        "class A:\n    def forward(self): pass\nA().foward()",
        &["'A' object has no attribute 'foward'", "`forward`"],
    );
    shows("[].apend(1)", &["'list' object has no attribute 'apend'", "`append`"]);
    shows("{'stride': 1}['strid']", &["KeyError: 'strid'", "did you mean 'stride'?"]);
    shows(
        "def f(x, padding): pass\nf(1, paddin=2)",
        &["unexpected keyword argument 'paddin'", "f(x, padding)", "`padding`"],
    );
    shows("import mth", &["ModuleNotFoundError: No module named 'mth'", "did you mean `math`?", "there are"]);
    shows("from functools import partil", &["ImportError: cannot import name 'partil'", "`partial`"]);
    shows("import scipy.io", &["No module named 'scipy.io'", "__future__, functools, math"]);
    shows("math.sqrt(2)", &["name 'math' is not defined", "write `import math`"]);
    shows("unicode('x')", &["Python 2", "write str"]);
}

#[test]
fn the_line_of_a_call_over_several_lines_is_the_one_that_matters() {
    shows("x = 1\ny = (x\n     .real\n     .nothing)\n", &["net.py:4", "has no attribute 'nothing'"]);
    shows("x = [\n  1,\n  2 + None,\n]\n", &["net.py:3"]);
}

#[test]
fn a_handled_exception_is_the_cause_of_the_next() {
    shows(
        "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('b') from e",
        &["ValueError: b", "because: KeyError: 'a'"],
    );
    shows(
        "try:\n    {}['a']\nexcept KeyError:\n    raise ValueError('b')",
        &["ValueError: b", "because: KeyError: 'a'"],
    );
}

#[test]
fn exceptions_of_the_users_own_are_shown_by_name() {
    shows("class BadLayer(Exception): pass\nraise BadLayer('fc 3')", &["Python error: BadLayer: fc 3", "net.py:2"]);
    shows("assert 1 == 2, 'sizes differ'", &["AssertionError: sizes differ"]);
    shows("raise ValueError('a\\nb')", &["ValueError: a b"]);
}

#[test]
fn python_2_gets_its_remedy() {
    shows("x = 1\nprint x\n", &["net.py:2", "`print` is a function", "write print(x)"]);
    shows("print \"a\"", &["write print(\"a\")"]);
    shows("try:\n    pass\nexcept ValueError, e:\n    pass\n", &["net.py:3", "write except ValueError as e:"]);
    shows("raise ValueError, 'x'", &["write raise ValueError('x')"]);
    shows("if 1 <> 2: pass", &["write != in its place"]);
    shows("x = 0777", &["octal ones start with 0o"]);
    shows("x = 10L", &["take the L out"]);
    shows("exec 'x = 1'", &["`exec` is a function"]);
}

#[test]
fn what_is_not_python_gets_a_page_on_its_line() {
    shows("x = (1,\ny = 2\n", &["net.py:1", "'(' was never closed"]);
    shows("y = 1\nx = [1, 2", &["net.py:2", "'[' was never closed"]);
    shows("def f()\n    return 1\n", &["net.py:1", "ends with a colon"]);
    shows("if x = 1:\n    pass\n", &["net.py:1", "comparing is written =="]);
    shows(
        "for i in range(3):\nprint(i)\n",
        &["IndentationError", "net.py:2", "indent this line below `for i in range(3):`"],
    );
    shows("x = 1\n  y = 2\n", &["IndentationError", "net.py:2"]);
    shows("if 1:\n\tx = 1\n        y = 2\n", &["TabError", "tabs"]);
    shows("x = 'abc\n", &["net.py:1", "close the string"]);
    shows("if a && b: pass", &["write `and`"]);
    shows("x++\n", &["write x += 1"]);
    shows("local x = 3\n", &["this looks like Lua"]);
    shows("require 'nn'\nlocal net = nn.Sequential()\n", &["this looks like Lua"]);
    shows("return 1\n", &["'return' outside function"]);
    shows("break\n", &["'break' outside loop"]);
    shows("def f():\n    nonlocal x\n", &["no binding for nonlocal 'x' found"]);
}

#[test]
fn letters_of_word_processors_are_named() {
    shows("x = \u{201c}a\u{201d}\n", &["typographic quotation mark (U+201C)", "net.py:1"]);
    shows("x =\u{a0}1\n", &["non-breaking space (U+00A0)"]);
    shows("x = 1 \u{2013} 2\n", &["a dash (U+2013)"]);
    shows("x = \u{200b}1\n", &["an invisible space (U+200B)"]);
}

#[test]
fn marks_and_line_ends_of_windows_do_no_harm() {
    assert_eq!(run("\u{feff}x = 1\r\nif x:\r\n    print('a', '''b\r\nc''')\r\n").0, "a b\nc\n");
    assert_eq!(run("x = 1\rprint(x)\r").0, "1\n");
    shows("x = 1\r\nprint(y)\r\n", &["net.py:2", "2 | print(y)\n"]);
    assert_eq!(run("# caf\u{e9} \u{201c}quoted\u{201d}\nprint('\u{201c}\u{a0}')").0, "\u{201c}\u{a0}\n");
}

#[test]
fn what_network_files_have_no_use_for_is_refused_by_name() {
    for (text, part) in [
        ("def f():\n    yield 1\n", "`yield`"),
        ("async def f(): pass", "`async`"),
        ("x = b'a'", "a bytes literal"),
        ("x = 3j", "a complex number"),
        ("match 1:\n    case 1: pass\n", "`match`"),
        ("from . import x", "a relative import"),
        ("class A(dict): pass", "class A cannot be derived from dict"),
    ] {
        shows(text, &[part, "help:"]);
    }
}
