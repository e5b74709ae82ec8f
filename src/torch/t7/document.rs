//! `Document`: the objects of a `.t7` file as nodes that refer to each other.

use std::collections::HashMap;

use crate::torch::{storage::Storage, tensor::Tensor};

/// A node's place in its [`Document`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub(super) usize);

/// A value: plain, or a reference to a node that other values may refer to as well.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// nil
    Nil,
    /// true or false
    Bool(bool),
    /// Lua's only kind of number
    Number(f64),
    /// A string, which in Lua may hold any bytes
    Text(Vec<u8>),
    /// A table, object, tensor, storage or function
    Ref(Id),
}

/// What values refer to.
#[derive(Debug, Clone)]
pub enum Node {
    /// A plain table: keys and values in the order they were written. Numbers for keys are doubles.
    Table(Vec<(Value, Value)>),
    /// An object of a class that digits-rs keeps as it finds it.
    Object {
        /// `nn.Linear`
        class: String,
        /// The class's version; 0 in files from before there were versions.
        version: i64,
        /// What the class wrote: nearly always one table of fields.
        body: Vec<Value>,
    },
    /// A tensor. CUDA types are read as the processor's.
    Tensor(Tensor),
    /// A storage.
    Storage(Storage),
    /// An object of a class that writes bytes of its own: `torch.Generator`, `torch.Timer`.
    Raw {
        /// The class.
        class: String,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// A function: precompiled code, which nothing here ever runs.
    Function {
        /// Which of the three forms it was written in.
        tag: i32,
        /// Lua's own bytes.
        code: Vec<u8>,
        /// A table of the values it had closed over.
        upvalues: Value,
    },
}

/// The objects of one file, or of one to be written.
#[derive(Debug, Clone)]
pub struct Document {
    pub(super) nodes: Vec<Node>,
    pub(super) root: Value,
}

impl Default for Document {
    fn default() -> Self {
        Document { nodes: Vec::new(), root: Value::Nil }
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Value::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Bool(flag)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.as_bytes().to_vec())
    }
}

impl Document {
    /// The value that the file holds.
    #[must_use]
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Makes this the value that the file holds.
    pub fn set_root(&mut self, root: Value) {
        self.root = root;
    }

    /// Every node, in the order they were met.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node that a value refers to; `None` for plain values.
    #[must_use]
    pub fn node(&self, value: &Value) -> Option<&Node> {
        match value {
            Value::Ref(id) => self.nodes.get(id.0),
            _ => None,
        }
    }

    /// The class of an object, tensor or storage: `nn.Linear`, `torch.FloatTensor`.
    #[must_use]
    pub fn class(&self, value: &Value) -> Option<String> {
        match self.node(value)? {
            Node::Object { class, .. } | Node::Raw { class, .. } => Some(class.clone()),
            Node::Tensor(tensor) => Some(tensor.tensor_type().tensor_name()),
            Node::Storage(storage) => Some(storage.tensor_type().storage_name()),
            Node::Table(_) | Node::Function { .. } => None,
        }
    }

    /// Keys and values of a table, or of the table of fields that an object wrote (the last one, when it wrote several).
    #[must_use]
    pub fn entries(&self, value: &Value) -> &[(Value, Value)] {
        match self.node(value) {
            Some(Node::Table(entries)) => entries,
            Some(Node::Object { body, .. }) => match body.last().and_then(|fields| self.node(fields)) {
                Some(Node::Table(entries)) => entries,
                _ => &[],
            },
            _ => &[],
        }
    }

    /// A field of a table or object by its name.
    #[must_use]
    pub fn field(&self, value: &Value, name: &str) -> Option<&Value> {
        let is_named = |key: &Value| matches!(key, Value::Text(text) if text == name.as_bytes());
        self.entries(value).iter().find(|(key, _)| is_named(key)).map(|(_, value)| value)
    }

    /// The values at 1, 2, 3 … of a table, up to the first gap.
    #[must_use]
    pub fn list(&self, value: &Value) -> Vec<Value> {
        let numbered = |(key, value): &(Value, Value)| match key {
            Value::Number(number) if *number >= 1.0 && number.fract() == 0.0 => Some((*number as u64, value.clone())),
            _ => None,
        };
        let mut places: HashMap<u64, Value> = self.entries(value).iter().filter_map(numbered).collect();
        (1..).map_while(|place| places.remove(&place)).collect()
    }

    /// The tensor that a value refers to.
    #[must_use]
    pub fn tensor(&self, value: &Value) -> Option<&Tensor> {
        match self.node(value) {
            Some(Node::Tensor(tensor)) => Some(tensor),
            _ => None,
        }
    }

    /// Adds a node and answers the reference to it.
    pub fn add(&mut self, node: Node) -> Value {
        self.nodes.push(node);
        Value::Ref(Id(self.nodes.len() - 1))
    }

    /// Adds a tensor. Tensors on one storage stay so in the file.
    pub fn add_tensor(&mut self, tensor: &Tensor) -> Value {
        self.add(Node::Tensor(tensor.clone()))
    }

    /// Adds a table.
    pub fn add_table(&mut self, entries: Vec<(Value, Value)>) -> Value {
        self.add(Node::Table(entries))
    }

    /// Adds a table of these values at 1, 2, 3 ….
    pub fn add_list(&mut self, values: Vec<Value>) -> Value {
        let entries = values.into_iter().enumerate().map(|(at, value)| (Value::Number(at as f64 + 1.0), value));
        self.add(Node::Table(entries.collect()))
    }

    /// Adds an object with these fields.
    pub fn add_object(&mut self, class: &str, version: i64, fields: Vec<(&str, Value)>) -> Value {
        let fields = fields.into_iter().map(|(name, value)| (Value::from(name), value)).collect();
        let body = vec![self.add(Node::Table(fields))];
        self.add(Node::Object { class: class.to_string(), version, body })
    }

    /// The node that a value refers to, to change it.
    pub fn node_mut(&mut self, value: &Value) -> Option<&mut Node> {
        match value {
            Value::Ref(id) => self.nodes.get_mut(id.0),
            _ => None,
        }
    }
}
