//! `Document`: the objects of a `.t7` file as nodes that refer to each other.

use std::{collections::HashMap, fs, path::Path};

use super::{Channel, Encoding, Memory, read::Reader, write::Writer};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
    torch::{Storage, Tensor},
};

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

/// How a file may be written, likeliest first: there is no header that tells.
const ENCODINGS: [Encoding; 4] = [
    Encoding::BINARY,
    Encoding { long_size: 4, ..Encoding::BINARY },
    Encoding { is_big_endian: true, ..Encoding::BINARY },
    Encoding { is_big_endian: true, long_size: 4, ..Encoding::BINARY },
];

impl Document {
    /// Reads the first object of a file, binary or ASCII, with Longs of 8 or 4 bytes, in either byte order.
    ///
    /// # Errors
    /// `Kind::Io` when it cannot be read, `Kind::Data` when it is no `.t7` file or a damaged one.
    pub fn open(path: &Path) -> Result<Document> {
        let bytes = input::read(path, Form::Weights)?;
        Document::parse(bytes, &path.display().to_string())
    }

    /// Reads the first object in these bytes; `name` says in errors where they came from.
    ///
    /// # Errors
    /// `Kind::Data` when they are no `.t7` stream or a damaged one.
    pub fn parse(bytes: Vec<u8>, name: &str) -> Result<Document> {
        if looks_like_text(&bytes) {
            return Document::parse_as(bytes, name, Encoding::ASCII);
        }
        let mut first = None;
        // The byte order shows in the first tag; the size of Longs only in whether the rest makes sense.
        for encoding in ENCODINGS.into_iter().filter(|encoding| first_tag_fits(&bytes, encoding.is_big_endian)) {
            match Document::parse_as(bytes.clone(), name, encoding) {
                Ok(document) => return Ok(document),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| {
            Error::new(Kind::Data, format!("{name} is not a .t7 file"))
                .with_fact("it has", format!("{} bytes", bytes.len()))
                .with_help("torch.save writes such files; a file with the same ending may hold something else")
        }))
    }

    /// Reads the first object in these bytes, which are written so.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_as(bytes: Vec<u8>, name: &str, encoding: Encoding) -> Result<Document> {
        Reader::new(Channel::new(Memory::new(bytes), encoding), name).read()
    }

    /// The bytes that `torch.save` would write for the root.
    ///
    /// # Errors
    /// When a tensor's elements cannot be had.
    pub fn to_bytes(&self, encoding: Encoding) -> Result<Vec<u8>> {
        Writer::new(self, Channel::new(Memory::default(), encoding)).write()
    }

    /// Writes the root as `torch.save` would: whole or not at all.
    ///
    /// # Errors
    /// `Kind::Io` when the operating system refuses.
    pub fn save(&self, path: &Path, encoding: Encoding) -> Result<()> {
        let bytes = self.to_bytes(encoding)?;
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".unfinished");
        fs::write(&unfinished, bytes)
            .and_then(|()| fs::rename(&unfinished, path))
            .map_err(|source| Error::io("write", path, &source))
    }

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

/// ASCII streams begin with a tag, which is one digit on a line of its own.
fn looks_like_text(bytes: &[u8]) -> bool {
    matches!(bytes, [b'0'..=b'8', b'\n' | b'\r', ..])
}

fn first_tag_fits(bytes: &[u8], is_big_endian: bool) -> bool {
    match (bytes, is_big_endian) {
        ([tag, 0, 0, 0, ..], false) | ([0, 0, 0, tag, ..], true) => *tag <= 8,
        _ => false,
    }
}
