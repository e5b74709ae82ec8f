//! For tests: objects whose fields live in memory, so that modules can be constructed, built and differentiated
//! without Lua; gradients are compared with finite differences in f64.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use super::{Activity, Args, Build, Builder, Context, Criterion, Fields, Mode, Node, Value, spec};
use crate::{
    error::Result,
    torch::{Generator, Tensor, TensorType},
};

/// An object of a class: what the Lua front end keeps in a table. Everything is f64.
pub(crate) struct Object {
    class: String,
    fields: RefCell<BTreeMap<String, Value>>,
    children: Vec<Rc<Object>>,
    named: BTreeMap<String, Rc<Object>>,
}

/// Constructs `class`, as `nn.Linear(4, 3)` does; the generator starts from seed 1.
pub(crate) fn try_object(class: &str, args: Vec<Value>) -> Result<Object> {
    let spec = spec(class).unwrap_or_else(|| panic!("no class {class}"));
    let object = container(class, vec![]);
    let args = Args::check(class, spec.args, args)?;
    if let Some(init) = spec.init {
        init(&args, &object, &mut Generator::new(1))?;
    }
    Ok(object)
}

/// [`try_object`] for arguments that are right.
pub(crate) fn object(class: &str, args: impl IntoIterator<Item = impl Into<Value>>) -> Object {
    try_object(class, args.into_iter().map(Into::into).collect()).unwrap()
}

/// An object without arguments.
pub(crate) fn plain(class: &str) -> Object {
    try_object(class, vec![]).unwrap()
}

/// A container with these children; its other fields are set by the test.
pub(crate) fn container(class: &str, children: Vec<Object>) -> Object {
    Object {
        class: class.to_string(),
        fields: RefCell::default(),
        children: children.into_iter().map(Rc::new).collect(),
        named: BTreeMap::new(),
    }
}

impl Fields for Object {
    fn class(&self) -> String {
        self.class.clone()
    }

    fn tensor_type(&self) -> TensorType {
        TensorType::DOUBLE
    }

    fn get(&self, name: &str) -> Result<Value> {
        Ok(self.fields.borrow().get(name).cloned().unwrap_or(Value::Nil))
    }

    fn set(&self, name: &str, value: Value) -> Result<()> {
        self.fields.borrow_mut().insert(name.to_string(), value);
        Ok(())
    }
}

impl Object {
    /// The object with one field set.
    pub(crate) fn with(self, name: &str, value: impl Into<Value>) -> Object {
        self.set(name, value.into()).unwrap();
        self
    }

    /// The object with a module or criterion in a field (`pooling`, `criterions.1`).
    pub(crate) fn with_child(mut self, name: &str, child: Rc<Object>) -> Object {
        self.named.insert(name.to_string(), child);
        self
    }

    /// Its printed form.
    pub(crate) fn print(&self) -> String {
        let spec = spec(&self.class).unwrap();
        format!("{}{}", self.class, (spec.print)(self).unwrap())
    }

    /// A tensor field.
    pub(crate) fn get_tensor(&self, name: &str) -> Tensor {
        let fields: &dyn Fields = self;
        fields.tensor(name).unwrap().unwrap_or_else(|| panic!("no tensor in field {name}"))
    }

    /// The numbers of a tensor field.
    pub(crate) fn numbers(&self, name: &str) -> Vec<f64> {
        numbers(&self.get_tensor(name).view())
    }

    /// Builds the module and runs it, noise drawn from seed 1; then lets it save into its fields.
    pub(crate) fn forward(&self, mode: Mode, input: impl Into<Activity>) -> Result<Activity> {
        let node = Built::default().node(self)?;
        let generator = RefCell::new(Generator::new(1));
        let output = node.forward(&input.into(), &mut Context::with_generator(mode, &generator))?;
        node.module.save(self)?;
        Ok(output)
    }

    /// [`Object::forward`] in evaluation mode, for a tensor output: its sizes and numbers.
    pub(crate) fn eval(&self, input: impl Into<Activity>) -> (Vec<i64>, Vec<f64>) {
        let output = self.forward(Mode::Evaluate, input).unwrap();
        let tensor = output.tensor().unwrap();
        (tensor.size(), numbers(tensor))
    }

    /// The loss of a criterion.
    pub(crate) fn loss(&self, input: impl Into<Activity>, target: impl Into<Activity>) -> Result<f64> {
        let criterion = Built::default().criterion(self)?;
        let loss = criterion.forward(&input.into(), &target.into(), &mut Context::new(Mode::Train))?;
        Ok(loss.double_value(&[]))
    }

    /// Gradient of Σ output with respect to a tensor input, in training mode.
    pub(crate) fn gradient(&self, input: &tch::Tensor) -> Vec<f64> {
        let x = input.copy().set_requires_grad(true);
        let output = self.forward(Mode::Train, Activity::Tensor(x.shallow_clone())).unwrap();
        let sum = output.tensor().unwrap().sum(tch::Kind::Double);
        numbers(&tch::Tensor::run_backward(&[sum], &[x], false, false)[0])
    }
}

/// The objects built so far, so that one object gives one node; and the parameters that were asked for.
#[derive(Default)]
pub(crate) struct Built {
    nodes: HashMap<usize, Rc<Node>>,
    parameters: Vec<(String, tch::Tensor)>,
}

impl Built {
    pub(crate) fn node(&mut self, object: &Object) -> Result<Rc<Node>> {
        let key = std::ptr::from_ref(object) as usize;
        if let Some(node) = self.nodes.get(&key) {
            return Ok(node.clone());
        }
        let Build::Module(build) = spec(&object.class).expect("a known class").build else {
            panic!("{} is a criterion", object.class)
        };
        let module = build(&mut ObjectBuilder { object, built: self })?;
        let node = Rc::new(Node {
            path: String::new(),
            class: object.class.clone(),
            label: object.class.clone(),
            origin: None,
            parameters: vec![],
            module,
        });
        self.nodes.insert(key, node.clone());
        Ok(node)
    }

    pub(crate) fn criterion(&mut self, object: &Object) -> Result<Box<dyn Criterion>> {
        let Build::Criterion(build) = spec(&object.class).expect("a known class").build else {
            panic!("{} is a module", object.class)
        };
        build(&mut ObjectBuilder { object, built: self })
    }
}

struct ObjectBuilder<'a> {
    object: &'a Object,
    built: &'a mut Built,
}

impl Builder for ObjectBuilder<'_> {
    fn fields(&self) -> &dyn Fields {
        self.object
    }

    fn parameter(&mut self, name: &str) -> Result<Option<tch::Tensor>> {
        let Some(tensor) = self.fields().tensor(name)? else { return Ok(None) };
        let leaf = tensor.view().detach().set_requires_grad(true);
        self.built.parameters.push((name.to_string(), leaf.shallow_clone()));
        Ok(Some(leaf))
    }

    fn buffer(&mut self, name: &str) -> Result<Option<tch::Tensor>> {
        Ok(self.fields().tensor(name)?.map(|tensor| tensor.view()))
    }

    /// The answer lies in the field of that name.
    fn ask(&mut self, method: &str) -> Result<Value> {
        self.fields().get(method)
    }

    fn children(&mut self) -> Result<Vec<Rc<Node>>> {
        let object = self.object;
        object.children.iter().map(|child| self.built.node(child)).collect()
    }

    fn child(&mut self, name: &str) -> Result<Rc<Node>> {
        let child = self.object.named.get(name).unwrap_or_else(|| panic!("no module in field {name}")).clone();
        self.built.node(&child)
    }

    fn criterion(&mut self, name: &str) -> Result<Box<dyn Criterion>> {
        let child = self.object.named.get(name).unwrap_or_else(|| panic!("no criterion in field {name}")).clone();
        self.built.criterion(&child)
    }

    fn criteria(&mut self, name: &str) -> Result<Vec<Box<dyn Criterion>>> {
        let prefix = format!("{name}.");
        let list = self.object.named.iter().filter(|(key, _)| key.starts_with(&prefix));
        list.map(|(_, child)| self.built.criterion(child)).collect()
    }
}

/// A f64 tensor.
pub(crate) fn tensor(size: &[i64], numbers: &[f64]) -> tch::Tensor {
    tch::Tensor::from_slice(numbers).view(size)
}

/// A f64 tensor of normal numbers.
pub(crate) fn randn(size: &[i64]) -> tch::Tensor {
    let mut generator = Generator::new(7);
    let numbers: Vec<f64> = (0..size.iter().product()).map(|_| generator.normal(0.0, 1.0)).collect();
    tensor(size, &numbers)
}

/// The elements in order.
pub(crate) fn numbers(tensor: &tch::Tensor) -> Vec<f64> {
    Vec::try_from(tensor.detach().to_kind(tch::Kind::Double).reshape([-1])).unwrap()
}

/// Asserts that two lists of numbers agree to 1e-9, relative above 1.
#[track_caller]
pub(crate) fn assert_close(got: &[f64], wanted: &[f64]) {
    assert!(distance(got, wanted) < 1e-9, "got {got:?}, wanted {wanted:?}");
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "different numbers of values: {a:?} and {b:?}");
    a.iter().zip(b).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, |max, d| if d > max { d } else { max })
}

/// Compares autograd's gradients with finite differences, for every floating point tensor of the input and every
/// parameter. The function differentiated is Σ output·r with fixed numbers r.
#[track_caller]
pub(crate) fn check_gradients(object: &Object, input: &Activity, mode: Mode) {
    let mut built = Built::default();
    let node = built.node(object).unwrap();
    check(&built.parameters, input, &mut |input| {
        let generator = RefCell::new(Generator::new(1));
        let output = node.forward(input, &mut Context::with_generator(mode, &generator)).unwrap();
        let mut sum = tch::Tensor::zeros([], (tch::Kind::Double, tch::Device::Cpu));
        for y in output.tensors() {
            let r = (tch::Tensor::arange(y.numel() as i64, (tch::Kind::Double, tch::Device::Cpu)) * 1.7).sin() + 0.3;
            sum += (y.to_kind(tch::Kind::Double) * r.view_(&y.size()[..])).sum(tch::Kind::Double);
        }
        sum
    });
}

/// The same for a criterion, with respect to its input.
#[track_caller]
pub(crate) fn check_criterion(object: &Object, input: &Activity, target: &Activity) {
    let criterion = Built::default().criterion(object).unwrap();
    check(&[], input, &mut |input| criterion.forward(input, target, &mut Context::new(Mode::Train)).unwrap());
}

#[track_caller]
fn check(parameters: &[(String, tch::Tensor)], input: &Activity, f: &mut dyn FnMut(&Activity) -> tch::Tensor) {
    // Threads cost more than they give on tensors this small.
    tch::set_num_threads(1);
    let is_real = |t: &tch::Tensor| t.kind() == tch::Kind::Double;
    let input = input
        .map(&mut |t| Ok(if is_real(t) { t.detach().copy().set_requires_grad(true) } else { t.shallow_clone() }))
        .unwrap();
    let mut leaves: Vec<(String, tch::Tensor)> =
        input.tensors().iter().filter(|t| is_real(t)).map(|t| ("input".to_string(), t.shallow_clone())).collect();
    leaves.extend(parameters.iter().map(|(name, t)| (name.clone(), t.shallow_clone())));
    let value = f(&input);
    let tensors: Vec<&tch::Tensor> = leaves.iter().map(|(_, t)| t).collect();
    let grads = if value.requires_grad() {
        tch::Tensor::run_backward(&[&value], &tensors, false, false)
    } else {
        tensors.iter().map(|t| t.zeros_like()).collect()
    };
    for ((name, leaf), grad) in leaves.iter().zip(grads) {
        let grad = if grad.defined() { grad } else { leaf.zeros_like() };
        let mut element = leaf.detach();
        let wanted: Vec<f64> = (0..leaf.numel() as i64)
            .map(|i| {
                let mut index = vec![0; leaf.dim()];
                let mut rest = i;
                for d in (0..leaf.dim()).rev() {
                    (index[d], rest) = (rest % leaf.size()[d], rest / leaf.size()[d]);
                }
                let mut at = element.shallow_clone();
                for &i in &index {
                    at = at.select(0, i);
                }
                let (start, step) = (at.double_value(&[]), 1e-5);
                let mut moved = |to: f64| {
                    let _ = at.fill_(to);
                    tch::no_grad(|| f(&input)).double_value(&[])
                };
                let slope = (moved(start + step) - moved(start - step)) / (2.0 * step);
                let _ = moved(start);
                slope
            })
            .collect();
        let got = numbers(&grad);
        let difference = distance(&got, &wanted);
        assert!(difference < 1e-6, "gradient of {name} is off by {difference}: {got:?}, differences give {wanted:?}");
        let _ = element.detach_();
    }
}

/// The little Lua of [`super::Probe`]s: numbers, booleans, strings, lists and `torch.randn(…)`, `torch.rand(…)`,
/// `torch.Tensor{…}`, `torch.LongTensor{…}`, `torch.ByteTensor{…}`. `None` for anything else.
pub(crate) fn evaluate(text: &str) -> Option<Vec<Value>> {
    let mut parser = Parser { text: text.as_bytes(), at: 0 };
    let values = parser.list(None)?;
    Some(values)
}

/// A value of [`evaluate`] as an input: a list of tensors is a table.
pub(crate) fn activity(value: &Value) -> Option<Activity> {
    match value {
        Value::Tensor(tensor) => Some(tensor.view().into()),
        Value::List(entries) => Some(Activity::Table(entries.iter().map(activity).collect::<Option<_>>()?)),
        _ => None,
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// Values between commas up to `end`, which is consumed.
    fn list(&mut self, end: Option<u8>) -> Option<Vec<Value>> {
        let mut values = vec![];
        loop {
            match self.peek() {
                next if next == end => {
                    self.at += 1;
                    return Some(values);
                }
                Some(b',') => self.at += 1,
                _ => values.push(self.value()?),
            }
        }
    }

    fn word(&mut self) -> String {
        let start = self.at;
        while self.text.get(self.at).is_some_and(|&b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
            self.at += 1;
        }
        String::from_utf8_lossy(&self.text[start..self.at]).into_owned()
    }

    fn value(&mut self) -> Option<Value> {
        match self.peek()? {
            b'{' => {
                self.at += 1;
                return Some(Value::List(self.list(Some(b'}'))?));
            }
            b'\'' => {
                self.at += 1;
                let text = self.word();
                self.at += 1;
                return Some(Value::Text(text));
            }
            _ => {}
        }
        let word = self.word();
        match word.as_str() {
            "true" => return Some(Value::Bool(true)),
            "false" => return Some(Value::Bool(false)),
            "nil" => return Some(Value::Nil),
            _ => {}
        }
        if let Ok(number) = word.parse() {
            return Some(Value::Number(number));
        }
        let kind = match word.as_str() {
            "torch.randn" | "torch.rand" | "torch.Tensor" => tch::Kind::Double,
            "torch.LongTensor" => tch::Kind::Int64,
            "torch.ByteTensor" => tch::Kind::Uint8,
            _ => return None,
        };
        let open = self.peek()?;
        self.at += 1;
        let (size, numbers) = if open == b'{' {
            let mut size = vec![];
            let mut numbers = vec![];
            flatten(&self.list(Some(b'}'))?, 0, &mut size, &mut numbers)?;
            (size, numbers)
        } else {
            let sizes = self.list(Some(b')'))?;
            let size: Vec<i64> = sizes
                .iter()
                .map(|v| if let Value::Number(n) = v { Some(*n as i64) } else { None })
                .collect::<Option<_>>()?;
            let mut generator = Generator::new(3);
            let draw = |_| if word == "torch.rand" { generator.uniform(0.0, 1.0) } else { generator.normal(0.0, 1.0) };
            let numbers = (0..size.iter().product::<i64>()).map(draw).collect();
            (size, numbers)
        };
        let tensor = tch::Tensor::from_slice(&numbers).view_(&size[..]).to_kind(kind);
        let element = crate::torch::Element::of(kind)?;
        Some(Tensor::from_tch(TensorType { element, cuda: false }, &tensor).ok()?.into())
    }
}

fn flatten(values: &[Value], depth: usize, size: &mut Vec<i64>, numbers: &mut Vec<f64>) -> Option<()> {
    if size.len() == depth {
        size.push(values.len() as i64);
    }
    for value in values {
        match value {
            Value::Number(number) => numbers.push(*number),
            Value::List(list) => flatten(list, depth + 1, size, numbers)?,
            _ => return None,
        }
    }
    Some(())
}

/// Classes whose gradient is deliberately not the derivative of their output.
const NOT_DERIVATIVES: &[&str] = &["nn.GradientReversal", "nn.ZeroGrad", "nn.L1Penalty"];

#[test]
fn every_native_class_constructs_prints_and_has_the_gradient_that_differences_give() {
    let mut seen = 0;
    for spec in super::specs().filter(|spec| spec.init.is_some()) {
        let name = spec.name();
        let args = evaluate(spec.probe.args).unwrap_or_else(|| panic!("{name}: probe arguments"));
        let input = evaluate(spec.probe.input).and_then(|v| activity(v.first()?));
        let input = input.unwrap_or_else(|| panic!("{name}: probe input"));
        let object = try_object(name, args).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!object.print().contains('\n'), "{name} prints several lines");
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match spec.build {
            Build::Criterion(_) => {
                let target = evaluate(spec.probe.target).and_then(|v| activity(v.first()?));
                check_criterion(&object, &input, &target.expect("probe target"));
            }
            Build::Module(_) if NOT_DERIVATIVES.contains(&name) => {
                object.forward(Mode::Train, input.share()).unwrap();
            }
            Build::Module(_) => {
                check_gradients(&object, &input, Mode::Train);
                check_gradients(&object, &input, Mode::Evaluate);
            }
        }));
        assert!(result.is_ok(), "{name} fails (see above)");
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn the_lists_name_every_file_of_their_folders() {
    for (folder, files) in [("modules", super::modules::FILES), ("criteria", super::criteria::FILES)] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/nn").join(folder);
        let mut found: Vec<String> = std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .filter(|stem| stem != "mod")
            .collect();
        found.sort();
        let mut listed: Vec<&str> = files.to_vec();
        listed.sort_unstable();
        assert_eq!(found, listed, "one word in {folder}! for each file of src/nn/{folder}");
    }
}
