//! Native objects, functions, classes and modules, as a library of symbols uses them.

use std::{cell::RefCell, rc::Rc};

use super::{
    super::{
        Arguments, Binary, Class, Comparison, Interpreter, Module, Names, Native, NativeFunction, Options, Outcome,
        Raised, Unary, Value,
    },
    run_with,
};

/// A symbolic tensor that keeps the expression it came from.
struct Symbol {
    text: String,
    log: Rc<RefCell<Vec<String>>>,
}

impl Symbol {
    fn with(&self, text: String) -> Value {
        Value::native(Symbol { text, log: Rc::clone(&self.log) })
    }
}

fn word(value: &Value) -> String {
    match value.as_native::<Symbol>() {
        Some(symbol) => symbol.text.clone(),
        None => value.as_float().map_or("?".into(), |number| number.to_string()),
    }
}

impl Native for Symbol {
    fn type_name(&self) -> &str {
        "Symbol"
    }

    fn attribute(self: Rc<Self>, name: &str, interpreter: &Interpreter) -> Outcome<Option<Value>> {
        Ok(match name {
            "name" => Some(Value::str(self.text.as_str())),
            "line" => interpreter.origin().map(|origin| Value::Int(i64::from(origin.line))),
            "get_shape" => {
                Some(NativeFunction::value("Symbol.get_shape()", |_, _| Ok(Value::list(vec![Value::Int(2)]))))
            }
            _ => None,
        })
    }

    fn attribute_names(&self) -> Vec<String> {
        ["name", "line", "get_shape"].map(String::from).to_vec()
    }

    fn unary(self: Rc<Self>, operator: Unary, _: &Interpreter) -> Outcome<Option<Value>> {
        Ok(Some(self.with(format!("{}{}", operator.names().0, self.text))))
    }

    fn binary(
        self: Rc<Self>,
        operator: Binary,
        other: &Value,
        reflected: bool,
        _: &Interpreter,
    ) -> Outcome<Option<Value>> {
        if matches!(other, Value::Str(_)) {
            return Ok(None);
        }
        let (a, b) = (self.text.clone(), word(other));
        let (a, b) = if reflected { (b, a) } else { (a, b) };
        Ok(Some(self.with(format!("({a} {} {b})", operator.symbol()))))
    }

    fn compare(self: Rc<Self>, comparison: Comparison, other: &Value, _: &Interpreter) -> Outcome<Option<Value>> {
        if matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            return Ok(None);
        }
        Ok(Some(self.with(format!("({} {} {})", self.text, comparison.names().0, word(other)))))
    }

    fn item(self: Rc<Self>, index: &Value, interpreter: &Interpreter) -> Outcome<Option<Value>> {
        Ok(Some(self.with(format!("{}[{}]", self.text, interpreter.repr(index)?))))
    }

    fn truth(&self, _: &Interpreter) -> Outcome<bool> {
        Err(Raised::type_error("a symbol has no truth value")
            .with_fact("the symbol", self.text.clone())
            .with_help("compare shapes"))
    }

    fn call(self: Rc<Self>, arguments: Arguments, _: &Interpreter) -> Outcome<Option<Value>> {
        Ok(Some(self.with(format!("{}/{}", self.text, arguments.positional.len()))))
    }

    fn enter(self: Rc<Self>, _: &Interpreter) -> Outcome<Option<Value>> {
        self.log.borrow_mut().push(format!("enter {}", self.text));
        Ok(Some(Value::Native(self)))
    }

    fn exit(self: Rc<Self>, _: &Interpreter) -> Outcome<()> {
        self.log.borrow_mut().push(format!("exit {}", self.text));
        Ok(())
    }

    fn repr(&self) -> String {
        format!("<{}>", self.text)
    }
}

fn evaluate(text: &str) -> (String, Option<crate::error::Error>, Vec<String>) {
    let log = Rc::new(RefCell::new(Vec::new()));
    let given = Rc::clone(&log);
    let (printed, page) = run_with(text, Options::default(), |interpreter| {
        interpreter.define("x", Value::native(Symbol { text: "x".into(), log: given }));
        let tf = Module::new("tensorflow", "tf has conv2d, conv2d_transpose and nn");
        let nn = Module::new("tensorflow.nn", "");
        tf.function("tf.conv2d(inputs, outputs, stride=1, *, scope=None)", |_, given| {
            let outputs = given.int("outputs")?;
            let stride = given.int("stride")?;
            if outputs < 1 {
                return Err(Raised::value_error(format!("outputs must be 1 at least, not {outputs}")));
            }
            let scope = given.some("scope").and_then(Value::as_str).unwrap_or("Conv");
            Ok(Value::from(format!("{scope}:{outputs}:{stride}:{}", given.is_written("stride"))))
        });
        nn.function("tf.nn.relu(x)", |_, given| Ok(given.value("x").clone()));
        tf.set("nn", Value::Module(nn));
        tf.set("float32", Value::str("float32"));
        interpreter.add_alias("tf_alias", &tf);
        interpreter.add_module(tf);
        let attributes = Names::new();
        attributes.set(
            "__init__",
            NativeFunction::value("Tower.__init__(self, x, is_training=False)", |interpreter, given| {
                interpreter.set_attribute(given.value("self"), "x", given.value("x").clone())?;
                Ok(Value::None)
            }),
        );
        attributes.set(
            "double",
            Value::property(NativeFunction::value("double(self)", |interpreter, given| {
                let x = interpreter.attribute(given.value("self"), "x")?;
                interpreter.binary(Binary::Add, &x, &x)
            })),
        );
        let tower =
            Class::new("Tower", Vec::new(), attributes).unwrap_or_else(|_| unreachable!("a class without bases"));
        interpreter.define("Tower", Value::Class(tower));
    });
    let log = log.borrow().clone();
    (printed, page, log)
}

#[test]
fn symbols_take_part_in_every_operation() {
    let text = "import tensorflow as tf\nprint(x + 1, 2 * x, -x, x < 3, 3 < x, x[:, 1:2], x[..., None], x(1, 2), x.name, x.line, x == x, x != 1, x in [x])\n\
                y = x\ny += 5\nprint(y, [y], f'{x}', isinstance(x, int), isinstance(y, type(x)), type(x).__name__, {x: 1}[x], x.get_shape()[0])\n";
    assert_eq!(
        evaluate(text).0,
        "<(x + 1)> <(2 * x)> <unary -x> <(x < 3)> <(x > 3)> <x[(slice(None, None, None), slice(1, 2, None))]> <x[(Ellipsis, None)]> <x/2> x 2 True True True\n\
         <(x + 5)> [<(x + 5)>] <x> False True Symbol 1 2\n"
    );
}

#[test]
fn scopes_are_left_whatever_happens() {
    let (_, page, log) = evaluate("with x as y:\n    with y[0]:\n        1 / 0\n");
    assert_eq!(log, ["enter x", "enter x[0]", "exit x[0]", "exit x"]);
    assert!(page.is_some_and(|page| page.message().starts_with("ZeroDivisionError")));
    let (_, page, log) = evaluate("with x:\n    open('f')\n");
    assert_eq!(log, ["enter x", "exit x"]);
    assert!(page.is_some());
}

#[test]
fn native_functions_check_their_arguments() {
    let text = "import tensorflow as tf\nfrom tensorflow import conv2d\nimport tf_alias\nimport tensorflow.nn as nn\nfrom tensorflow.nn import relu\n\
                print(tf.conv2d(x, 3), conv2d(x, 4, stride=2, scope='c1'), tf_alias.nn is nn, relu(1), nn.relu(2), conv2d(*[x], **{'outputs': 5}))";
    assert_eq!(evaluate(text).0, "Conv:3:1:false c1:4:2:true True 1 2 Conv:5:1:false\n");
    for (text, words) in [
        ("import tensorflow as tf\ntf.conv2d(x)", "missing 1 required positional argument: 'outputs'"),
        ("import tensorflow as tf\ntf.conv2d(x, 'a')", "argument 'outputs' must be an int, not str"),
        ("import tensorflow as tf\ntf.conv2d(x, 1, strid=2)", "did you mean `stride`?"),
        ("import tensorflow as tf\ntf.conv2d(x, 0)", "ValueError: outputs must be 1 at least, not 0"),
        ("import tensorflow as tf\ntf.conv2dd(x, 0)", "tf has conv2d, conv2d_transpose and nn"),
        ("import tensorflow as tf\ntf.conv3d(x)", "there are: conv2d"),
        ("import tensorflow.contrib.slim as slim", "No module named 'tensorflow.contrib.slim'"),
        ("if x: pass", "the symbol"),
        ("x + 'a'", "unsupported operand type(s) for +: 'Symbol' and 'str'"),
        ("x.shap", "'Symbol' object has no attribute 'shap'"),
        ("for i in x: pass", "'Symbol' object is not iterable"),
        ("len(x)", "object of type 'Symbol' has no len()"),
        ("x.name = 3", "no attribute 'name' that can be set"),
        ("x[0] = 3", "does not support item assignment"),
    ] {
        let (_, page, _) = evaluate(text);
        let page = page.map(|page| page.to_string()).unwrap_or_default();
        assert!(page.contains(words), "{words:?} is not on the page of {text}\n{page}");
    }
    assert_eq!(
        evaluate("import tensorflow as tf\ntry:\n    tf.conv2d(x, 0)\nexcept ValueError as e:\n    print(e)").0,
        "outputs must be 1 at least, not 0\n"
    );
}

#[test]
fn classes_made_in_rust_are_derived_from() {
    let text = "class UserModel(Tower):\n    def __init__(self, *args, **kwargs):\n        super(UserModel, self).__init__(*args, **kwargs)\n        self.y = 2\n\
                \n    @property\n    def inference(self): return self.double * self.y\n\nm = UserModel(4, is_training=True)\nprint(m.x, m.double, m.inference, isinstance(m, Tower))\n\
                class Plain(Tower): pass\nprint(Plain(3).double)";
    assert_eq!(evaluate(text).0, "4 8 16 True\n6\n");
}

#[test]
fn a_file_is_used_from_outside() {
    let interpreter = Interpreter::new(Options::default(), []);
    interpreter.run("net.py", "class M:\n    def __init__(self, n): self.n = n\n    @property\n    def bad(self):\n        return self.m\ndef f(a, b=2):\n    return a * b\n").unwrap();
    let call = |name: &str, arguments: Vec<Value>| {
        interpreter.call_guarded(&interpreter.global(name).unwrap(), Arguments::of(arguments))
    };
    assert_eq!(call("f", vec![Value::Int(4)]).unwrap().as_int(), Some(8));
    let model = call("M", vec![Value::Int(7)]).unwrap();
    assert_eq!(interpreter.attribute_guarded(&model, "n").unwrap().as_int(), Some(7));
    let page = interpreter.attribute_guarded(&model, "bad").unwrap_err();
    assert_eq!(page.origin().map(|origin| origin.line), Some(5));
    assert_eq!(page.message(), "AttributeError: 'M' object has no attribute 'm'");
    assert!(interpreter.global("nothing").is_none());
    assert_eq!(interpreter.global_names().iter().map(|name| &**name).collect::<Vec<_>>(), ["__name__", "M", "f"]);
}
