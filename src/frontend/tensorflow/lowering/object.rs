//! Builds the modules of `nn` from fields in memory, as the Lua front end builds them from tables.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use crate::{
    error::{Error, Kind, Result},
    nn::{self, Build, Builder, Criterion, Fields, Module, Node, Value},
    torch::{Tensor, TensorType},
};

/// A module in the making.
pub(super) struct Object {
    class: &'static str,
    tensor_type: TensorType,
    fields: RefCell<BTreeMap<String, Value>>,
    parameters: BTreeMap<String, tch::Tensor>,
    children: Vec<Rc<Node>>,
}

impl Object {
    /// Of this class, without fields.
    pub(super) fn new(class: &'static str, tensor_type: TensorType) -> Object {
        Object { class, tensor_type, fields: RefCell::default(), parameters: BTreeMap::new(), children: Vec::new() }
    }

    /// With a field.
    pub(super) fn with(self, name: &str, value: impl Into<Value>) -> Object {
        self.fields.borrow_mut().insert(name.to_string(), value.into());
        self
    }

    /// With a parameter.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub(super) fn learning(mut self, name: &str, leaf: &tch::Tensor) -> Result<Object> {
        let handle = Tensor::from_tch(self.tensor_type, &leaf.detach())?;
        self.parameters.insert(name.to_string(), leaf.shallow_clone());
        Ok(self.with(name, handle))
    }

    /// With children.
    pub(super) fn holding(mut self, children: Vec<Rc<Node>>) -> Object {
        self.children = children;
        self
    }

    /// The constructor in Lua that makes such a module; its parameters are drawn anew.
    pub(super) fn in_torch(&self) -> String {
        let fields = self.fields.borrow();
        let number = |name: &str| match fields.get(name) {
            Some(Value::Number(number)) => *number,
            _ => 0.0,
        };
        let all = |names: &[&str]| names.iter().map(|name| number(name).to_string()).collect::<Vec<_>>().join(", ");
        let size = |name: &str| self.parameters.get(name).map(tch::Tensor::size).unwrap_or_default();
        let is = |name: &str| matches!(fields.get(name), Some(Value::Bool(true)));
        let window = all(&["kW", "kH", "dW", "dH", "padW", "padH"]);
        let ceil = if is("ceil_mode") { ":ceil()" } else { "" };
        match self.class {
            "nn.MulConstant" => format!("nn.MulConstant({:?})", number("constant_scalar")),
            "nn.Dropout" => format!("nn.Dropout({:?})", number("p")),
            "nn.Linear" => {
                let bias = if self.parameters.contains_key("bias") { "" } else { ", false" };
                let size = size("weight");
                format!("nn.Linear({}, {}{bias})", size[1], size[0])
            }
            "nn.View" => {
                let sizes = match fields.get("size") {
                    Some(Value::Sizes(sizes)) => sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
                    _ => String::new(),
                };
                format!("nn.View({sizes}):setNumInputDims({})", number("numInputDims"))
            }
            "nn.SpatialConvolution" => {
                let bias = if self.parameters.contains_key("bias") { "" } else { ":noBias()" };
                format!("nn.SpatialConvolution({}, {window}){bias}", all(&["nInputPlane", "nOutputPlane"]))
            }
            "nn.SpatialMaxPooling" => format!("nn.SpatialMaxPooling({window}){ceil}"),
            "nn.SpatialAveragePooling" => format!("nn.SpatialAveragePooling({window}){ceil}:setCountExcludePad()"),
            "nn.SpatialZeroPadding" => {
                format!("nn.SpatialZeroPadding({})", all(&["pad_l", "pad_r", "pad_t", "pad_b"]))
            }
            class => format!("{class}()"),
        }
    }

    /// The module and its printed form.
    ///
    /// # Errors
    /// When a field is missing.
    pub(super) fn build(mut self) -> Result<(Box<dyn Module>, String)> {
        let spec = nn::spec(self.class)
            .ok_or_else(|| Error::new(Kind::Network, format!("there is no module {}", self.class)))?;
        let printed = format!("{}{}", self.class, (spec.print)(&self)?);
        let Build::Module(build) = spec.build else {
            return Err(Error::new(Kind::Network, format!("{} is no module", self.class)));
        };
        Ok((build(&mut self)?, printed))
    }
}

impl Fields for Object {
    fn class(&self) -> String {
        self.class.to_string()
    }

    fn tensor_type(&self) -> TensorType {
        self.tensor_type
    }

    fn get(&self, name: &str) -> Result<Value> {
        Ok(self.fields.borrow().get(name).cloned().unwrap_or(Value::Nil))
    }

    fn set(&self, name: &str, value: Value) -> Result<()> {
        self.fields.borrow_mut().insert(name.to_string(), value);
        Ok(())
    }
}

impl Builder for Object {
    fn fields(&self) -> &dyn Fields {
        self
    }

    fn parameter(&mut self, name: &str) -> Result<Option<tch::Tensor>> {
        Ok(self.parameters.get(name).map(tch::Tensor::shallow_clone))
    }

    fn buffer(&mut self, _name: &str) -> Result<Option<tch::Tensor>> {
        Ok(None)
    }

    fn children(&mut self) -> Result<Vec<Rc<Node>>> {
        Ok(std::mem::take(&mut self.children))
    }

    fn child(&mut self, name: &str) -> Result<Rc<Node>> {
        Err(Error::new(Kind::Network, format!("there is no module in field '{name}'")))
    }

    fn criterion(&mut self, name: &str) -> Result<Box<dyn Criterion>> {
        Err(Error::new(Kind::Network, format!("there is no criterion in field '{name}'")))
    }

    fn criteria(&mut self, name: &str) -> Result<Vec<Box<dyn Criterion>>> {
        Err(Error::new(Kind::Network, format!("there are no criteria in field '{name}'")))
    }
}
