//! Writing a `.t7` stream as `torch.save` does: every table, object, storage and function once, then by its index.

use std::{collections::HashMap, io};

use super::{
    channel::Channel,
    document::{Document, Id, Node, Value},
    tag,
};
use crate::{
    error::{Error, Kind, Result},
    torch::{storage::Storage, tensor::Tensor, types::Element},
};

enum Task<'d> {
    Value(&'d Value),
    Storage(Option<Storage>),
}

pub(super) struct Writer<'d> {
    document: &'d Document,
    channel: Channel,
    indices: HashMap<Id, i32>,
    /// Indices of storages by their address: tensors share them without sharing a node.
    storages: HashMap<usize, i32>,
    last: i32,
}

impl<'d> Writer<'d> {
    pub(super) fn new(document: &'d Document, channel: Channel) -> Writer<'d> {
        Writer { document, channel, indices: HashMap::new(), storages: HashMap::new(), last: 0 }
    }

    pub(super) fn write(mut self) -> Result<Vec<u8>> {
        let document = self.document;
        let mut tasks = vec![Task::Value(&document.root)];
        while let Some(task) = tasks.pop() {
            match task {
                Task::Value(Value::Nil) | Task::Storage(None) => self.int(tag::NIL)?,
                Task::Value(Value::Bool(flag)) => {
                    self.int(tag::BOOLEAN)?;
                    self.int(i32::from(*flag))?;
                }
                Task::Value(Value::Number(number)) => {
                    self.int(tag::NUMBER)?;
                    self.put(Element::Double, &number.to_le_bytes())?;
                }
                Task::Value(Value::Text(text)) => {
                    self.int(tag::STRING)?;
                    self.string(text)?;
                }
                Task::Value(Value::Ref(id)) => self.node(*id, &mut tasks)?,
                Task::Storage(Some(storage)) => self.storage(&storage)?,
            }
        }
        Ok(self.channel.contents().unwrap_or_default().to_vec())
    }

    fn node(&mut self, id: Id, tasks: &mut Vec<Task<'d>>) -> Result<()> {
        let Some(node) = self.document.nodes.get(id.0) else {
            return Err(Error::new(Kind::Argument, "a value refers to a node of another document"));
        };
        if let Node::Storage(storage) = node {
            return self.storage(storage);
        }
        let kind = match node {
            Node::Table(_) => tag::TABLE,
            Node::Function { tag, .. } => *tag,
            _ => tag::TORCH,
        };
        self.int(kind)?;
        if let Some(index) = self.indices.get(&id) {
            return self.int(*index);
        }
        if kind != tag::FUNCTION {
            let index = self.next_index()?;
            self.indices.insert(id, index);
        }
        match node {
            Node::Table(entries) => {
                self.int(entries.len() as i32)?;
                tasks.extend(entries.iter().rev().flat_map(|(key, value)| [Task::Value(value), Task::Value(key)]));
            }
            Node::Object { class, version, body } => {
                self.class(*version, class)?;
                tasks.extend(body.iter().rev().map(Task::Value));
            }
            Node::Tensor(tensor) => {
                self.tensor(tensor)?;
                tasks.push(Task::Storage(tensor.storage()));
            }
            Node::Raw { class, bytes } => {
                self.class(1, class)?;
                self.put(Element::Byte, bytes)?;
            }
            Node::Function { code, upvalues, .. } => {
                self.string(code)?;
                tasks.push(Task::Value(upvalues));
            }
            Node::Storage(_) => {}
        }
        Ok(())
    }

    fn tensor(&mut self, tensor: &Tensor) -> Result<()> {
        self.class(1, &tensor.tensor_type().tensor_name())?;
        self.int(tensor.dim() as i32)?;
        self.longs(&tensor.size())?;
        self.longs(&tensor.stride())?;
        self.longs(&[tensor.offset() + 1])
    }

    fn storage(&mut self, storage: &Storage) -> Result<()> {
        self.int(tag::TORCH)?;
        if let Some(index) = self.storages.get(&storage.address()) {
            return self.int(*index);
        }
        let index = self.next_index()?;
        self.storages.insert(storage.address(), index);
        self.class(1, &storage.tensor_type().storage_name())?;
        self.longs(&[storage.len()])?;
        self.put(storage.tensor_type().element, &storage.bytes()?)
    }

    fn next_index(&mut self) -> Result<i32> {
        self.last += 1;
        self.int(self.last)?;
        Ok(self.last)
    }

    fn class(&mut self, version: i64, class: &str) -> Result<()> {
        self.string(format!("V {version}").as_bytes())?;
        self.string(class.as_bytes())
    }

    fn string(&mut self, text: &[u8]) -> Result<()> {
        self.int(text.len() as i32)?;
        self.put(Element::Char, text)
    }

    fn longs(&mut self, values: &[i64]) -> Result<()> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.put(Element::Long, &bytes)
    }

    fn int(&mut self, value: i32) -> Result<()> {
        self.put(Element::Int, &value.to_le_bytes())
    }

    fn put(&mut self, element: Element, bytes: &[u8]) -> Result<()> {
        let refused = |source: io::Error| Error::new(Kind::Io, format!("cannot write the stream: {source}"));
        self.channel.write(element, bytes).map_err(refused)
    }
}
