//! For tests: objects whose fields live in memory, so that modules can be constructed, built and run without Lua. Every
//! class against reference numbers and finite differences: `tests/it/modules.rs`, through Lua.

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

/// The objects built so far, so that one object gives one node.
#[derive(Default)]
pub(crate) struct Built {
    nodes: HashMap<usize, Rc<Node>>,
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
