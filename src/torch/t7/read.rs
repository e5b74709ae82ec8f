//! Reading a `.t7` stream, whatever is in it: no recursion, no trust in any count.

use std::collections::HashMap;

use super::{
    channel::Channel,
    document::{Document, Id, Node, Value},
    tag,
};
use crate::{
    error::{Error, Kind, Result},
    torch::{
        storage::Storage,
        tensor::Tensor,
        types::{Element, TensorType},
    },
};

/// Bytes that Torch7's generator writes of itself.
const GENERATOR_BYTES: usize = 5048;

/// A table, object, tensor or function that waits for its parts.
enum Frame {
    Table { id: Id, left: i32, key: Option<Value> },
    Body { id: Id, left: usize },
    Tensor { tensor: Tensor, id: Id, offset: i64, size: Vec<i64>, stride: Vec<i64> },
    Upvalues { id: Id },
}

pub(super) struct Reader {
    channel: Channel,
    name: String,
    document: Document,
    /// Nodes by the index that the file gives them.
    seen: HashMap<i32, Id>,
    open: Vec<Frame>,
    last_class: Option<String>,
}

impl Reader {
    pub(super) fn new(channel: Channel, name: &str) -> Reader {
        let name = name.to_string();
        Reader { channel, name, document: Document::default(), seen: HashMap::new(), open: vec![], last_class: None }
    }

    pub(super) fn read(mut self) -> Result<Document> {
        self.document.root = self.value()?;
        Ok(self.document)
    }

    fn value(&mut self) -> Result<Value> {
        loop {
            let Some(mut value) = self.begin()? else { continue };
            loop {
                let Some(frame) = self.open.pop() else { return Ok(value) };
                match self.feed(frame, value)? {
                    Some(whole) => value = whole,
                    None => break,
                }
            }
        }
    }

    /// Gives a frame its next part; answers the value that is whole with it.
    fn feed(&mut self, frame: Frame, part: Value) -> Result<Option<Value>> {
        match frame {
            Frame::Table { id, left, key: None } => {
                if matches!(part, Value::Nil) {
                    return Err(self.damaged("a table has nil for a key"));
                }
                self.open.push(Frame::Table { id, left, key: Some(part) });
                Ok(None)
            }
            Frame::Table { id, left, key: Some(key) } => {
                if let Node::Table(entries) = &mut self.document.nodes[id.0] {
                    entries.push((key, part));
                }
                if left > 1 {
                    self.open.push(Frame::Table { id, left: left - 1, key: None });
                    return Ok(None);
                }
                Ok(Some(Value::Ref(id)))
            }
            Frame::Body { id, left } => {
                if let Node::Object { body, .. } = &mut self.document.nodes[id.0] {
                    body.push(part);
                }
                if left > 1 {
                    self.open.push(Frame::Body { id, left: left - 1 });
                    return Ok(None);
                }
                Ok(Some(Value::Ref(id)))
            }
            Frame::Tensor { tensor, id, offset, size, stride } => {
                let storage = match &part {
                    Value::Nil => None,
                    part => match self.document.node(part) {
                        Some(Node::Storage(storage)) if storage.tensor_type() == tensor.tensor_type() => {
                            Some(storage.clone())
                        }
                        _ => return Err(self.damaged("a tensor's storage is something else")),
                    },
                };
                self.lay_out(&tensor, storage, offset, &size, &stride)?;
                Ok(Some(Value::Ref(id)))
            }
            Frame::Upvalues { id } => {
                if let Node::Function { upvalues, .. } = &mut self.document.nodes[id.0] {
                    *upvalues = part;
                }
                Ok(Some(Value::Ref(id)))
            }
        }
    }

    fn lay_out(
        &mut self,
        tensor: &Tensor,
        storage: Option<Storage>,
        offset: i64,
        size: &[i64],
        stride: &[i64],
    ) -> Result<()> {
        let Some(storage) = storage else {
            return if size.is_empty() { Ok(()) } else { Err(self.damaged("a tensor with sizes has no storage")) };
        };
        let last = size.iter().zip(stride).try_fold(offset, |last, (&extent, &stride)| {
            if extent < 1 || stride < 0 { None } else { last.checked_add((extent - 1).checked_mul(stride)?) }
        });
        let fits = last.is_some_and(|last| offset >= 0 && (size.is_empty() || last < storage.len()));
        if !fits {
            return Err(self
                .damaged("a tensor reaches outside its storage")
                .with_fact("sizes", format!("{size:?}"))
                .with_fact("storage", format!("{} elements", storage.len())));
        }
        tensor.set(Some(storage), offset, size, stride)
    }

    /// Reads one value's beginning; `None` when it is a new frame's.
    fn begin(&mut self) -> Result<Option<Value>> {
        let kind = self.int()?;
        Ok(Some(match kind {
            tag::NIL => Value::Nil,
            tag::NUMBER => {
                let bytes = self.exactly(Element::Double, 1)?;
                Value::Number(f64::from_le_bytes(bytes.try_into().expect("exactly one double was read")))
            }
            tag::BOOLEAN => Value::Bool(self.int()? == 1),
            tag::STRING => Value::Text(self.string()?),
            tag::FUNCTION => return self.function(kind).map(|_| None),
            tag::TABLE | tag::TORCH | tag::LEGACY_FUNCTION | tag::RECURSIVE_FUNCTION => {
                let index = self.int()?;
                if let Some(id) = self.seen.get(&index) {
                    return Ok(Some(Value::Ref(*id)));
                }
                return match kind {
                    tag::TABLE => self.table(index),
                    tag::TORCH => self.object(index),
                    _ => self.function(kind).map(|id| {
                        self.seen.insert(index, id);
                        None
                    }),
                };
            }
            other => return Err(self.damaged(&format!("there is no kind of object {other}"))),
        }))
    }

    fn add(&mut self, node: Node) -> Id {
        self.document.nodes.push(node);
        Id(self.document.nodes.len() - 1)
    }

    fn table(&mut self, index: i32) -> Result<Option<Value>> {
        let count = self.int()?;
        if count < 0 {
            return Err(self.damaged(&format!("a table of {count} entries")));
        }
        let id = self.add(Node::Table(Vec::new()));
        self.seen.insert(index, id);
        if count == 0 {
            return Ok(Some(Value::Ref(id)));
        }
        self.open.push(Frame::Table { id, left: count, key: None });
        Ok(None)
    }

    fn function(&mut self, tag: i32) -> Result<Id> {
        let code = self.string()?;
        let id = self.add(Node::Function { tag, code, upvalues: Value::Nil });
        self.open.push(Frame::Upvalues { id });
        Ok(id)
    }

    fn object(&mut self, index: i32) -> Result<Option<Value>> {
        let mut class = self.word()?;
        let mut version = 0;
        if let Some(number) = class.strip_prefix("V ").and_then(|number| number.trim().parse::<f64>().ok()) {
            version = number as i64;
            class = self.word()?;
        }
        self.last_class = Some(class.clone());
        if let Some(known) = TensorType::named(&class) {
            let tensor_type = TensorType { cuda: false, ..known };
            return if class.ends_with("Storage") {
                self.storage(index, tensor_type).map(Some)
            } else {
                self.tensor(index, tensor_type).map(|()| None)
            };
        }
        let parts = match class.as_str() {
            "torch.Generator" | "torch.Timer" => {
                let count = if class == "torch.Generator" { GENERATOR_BYTES } else { 0 };
                let bytes = self.exactly(Element::Byte, count)?;
                let id = self.add(Node::Raw { class, bytes });
                self.seen.insert(index, id);
                return Ok(Some(Value::Ref(id)));
            }
            // A table of type and device goes before the fields.
            "nn.GPU" => 2,
            // cunn writes the GPUs first, so that a reader can choose where the rest goes.
            "nn.DataParallelTable" if version >= 2 => 2,
            _ => 1,
        };
        let id = self.add(Node::Object { class, version, body: Vec::new() });
        self.seen.insert(index, id);
        self.open.push(Frame::Body { id, left: parts });
        Ok(None)
    }

    fn tensor(&mut self, index: i32, tensor_type: TensorType) -> Result<()> {
        let dimensions = self.int()?;
        if !(0..=1000).contains(&dimensions) {
            return Err(self.damaged(&format!("a tensor of {dimensions} dimensions")));
        }
        let size = self.longs(dimensions as usize)?;
        let stride = self.longs(dimensions as usize)?;
        let offset = self.longs(1)?[0].wrapping_sub(1);
        let tensor = Tensor::empty(tensor_type);
        let id = self.add(Node::Tensor(tensor.clone()));
        self.seen.insert(index, id);
        self.open.push(Frame::Tensor { tensor, id, offset, size, stride });
        Ok(())
    }

    fn storage(&mut self, index: i32, tensor_type: TensorType) -> Result<Value> {
        let count = self.longs(1)?[0];
        let Ok(count) = usize::try_from(count) else {
            return Err(self.damaged(&format!("a storage of {count} elements")));
        };
        let bytes = self.exactly(tensor_type.element, count)?;
        let id = self.add(Node::Storage(Storage::from_bytes(tensor_type, &bytes)?));
        self.seen.insert(index, id);
        Ok(Value::Ref(id))
    }

    fn exactly(&mut self, element: Element, count: usize) -> Result<Vec<u8>> {
        let bytes = self.channel.read(element, count).map_err(|source| self.damaged(&source.to_string()))?;
        if bytes.len() == count.saturating_mul(element.bytes()) {
            return Ok(bytes);
        }
        let at_end = self.channel.medium().peek().is_ok_and(|next| next.is_none());
        Err(self.damaged(if at_end { "it ends in the middle of an object" } else { "a number was expected" }))
    }

    fn int(&mut self) -> Result<i32> {
        let bytes = self.exactly(Element::Int, 1)?;
        Ok(i32::from_le_bytes(bytes.try_into().expect("exactly one int was read")))
    }

    fn longs(&mut self, count: usize) -> Result<Vec<i64>> {
        let bytes = self.exactly(Element::Long, count)?;
        Ok(bytes.chunks_exact(8).map(|eight| i64::from_le_bytes(eight.try_into().expect("chunks of eight"))).collect())
    }

    fn string(&mut self) -> Result<Vec<u8>> {
        let length = self.int()?;
        match usize::try_from(length) {
            Ok(length) => self.exactly(Element::Char, length),
            Err(_) => Err(self.damaged(&format!("a string of {length} bytes"))),
        }
    }

    /// A class's name or version.
    fn word(&mut self) -> Result<String> {
        let bytes = self.string()?;
        match String::from_utf8(bytes) {
            Ok(word) if word.len() < 1000 && !word.chars().any(char::is_control) => Ok(word),
            _ => Err(self.damaged("a class has no readable name")),
        }
    }

    fn damaged(&mut self, why: &str) -> Error {
        let position = self.channel.medium().position().unwrap_or(0);
        let page = Error::new(Kind::Data, format!("{} is damaged or no .t7 file: {why}", self.name))
            .with_fact("at byte", position.to_string());
        let page = match &self.last_class {
            Some(class) => page.with_fact("last object", class.clone()),
            None => page,
        };
        page.with_help("copy the file again in binary mode, or save it once more with torch.save")
    }
}
