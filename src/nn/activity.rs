//! `Activity`: what flows between modules, a tensor or a table of activities.

use std::fmt;

use crate::{
    error::{Error, Kind, Result},
    torch::{
        Tensor,
        direct::{are_alike, is_floating},
    },
};

/// Name and value of the numbers that a network file wants to be logged beside the loss, for a batch: its input
/// `[n, c, h, w]`, the labels as the loader gives them, both where the network is, and the network's answer in evaluation where
/// it was asked: what is made of that is not computed again.
pub type ScalarsOf = Box<dyn Fn(&tch::Tensor, &tch::Tensor, Option<&Activity>) -> Result<Vec<(String, f64)>>>;

/// What a network file wants to be seen of a batch beside its numbers.
#[derive(Debug)]
pub struct View {
    /// The name that the file gives.
    pub name: String,
    /// `[n, h, w, c]` of images; of any shape where the spread of values is to be seen.
    pub values: tch::Tensor,
    /// How it is to be seen.
    pub seen: Seen,
}

/// How a [`View`] is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// As images, this many at most.
    Images(i64),
    /// As a histogram.
    Spread,
}

/// What a network file wants to be seen of a batch: its input and labels as [`ScalarsOf`] has them.
pub type ViewsOf = Box<dyn Fn(&tch::Tensor, &tch::Tensor) -> Result<Vec<View>>>;

/// A network file's `labelHook(input, dblabel)`, called once a batch with the input `[n, c, h, w]` and the database's
/// labels `[n]` or `[n, …]`; gives the target.
pub enum LabelHook {
    /// It answers the input as it is: an autoencoder's.
    Input,
    /// It answers the labels as they are.
    Labels,
    /// What code makes of both, which may change them in place.
    Code(HookCode),
}

/// The code of a hook: input and labels in, target out.
pub type HookCode = Box<dyn FnMut(Phase, &Tensor, &Tensor) -> Result<Activity>>;

/// What a batch is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// A step of training.
    #[default]
    Train,
    /// Validation, or a test.
    Validation,
}

impl Phase {
    /// As a network file reads it in `params.phase`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Phase::Train => "train",
            Phase::Validation => "val",
        }
    }
}

/// A tensor, or a table of activities (Torch7 modules such as `ConcatTable` make tables).
#[derive(Debug)]
pub enum Activity {
    /// A libtorch tensor, in a graph when gradients are wanted.
    Tensor(tch::Tensor),
    /// A Lua list of activities, 1-based there and 0-based here.
    Table(Vec<Activity>),
}

impl Activity {
    /// The tensor.
    ///
    /// # Errors
    /// When it is a table.
    pub fn tensor(&self) -> Result<&tch::Tensor> {
        match self {
            Activity::Tensor(tensor) => Ok(tensor),
            Activity::Table(_) => Err(Error::new(Kind::Shape, "a tensor is wanted, not a table")
                .with_fact("it was given", self.shape())
                .with_help("put nn.JoinTable, nn.SelectTable or nn.CAddTable in front of it")),
        }
    }

    /// The entries of the table.
    ///
    /// # Errors
    /// When it is a tensor.
    pub fn table(&self) -> Result<&[Activity]> {
        match self {
            Activity::Table(entries) => Ok(entries),
            Activity::Tensor(_) => Err(Error::new(Kind::Shape, "a table of tensors is wanted, not a tensor")
                .with_fact("it was given", self.shape())
                .with_help("put nn.ConcatTable or nn.SplitTable in front of it")),
        }
    }

    /// The same structure with `f` applied to every tensor.
    ///
    /// # Errors
    /// The first error of `f`.
    pub fn map(&self, f: &mut dyn FnMut(&tch::Tensor) -> Result<tch::Tensor>) -> Result<Activity> {
        Ok(match self {
            Activity::Tensor(tensor) => Activity::Tensor(f(tensor)?),
            Activity::Table(entries) => {
                Activity::Table(entries.iter().map(|entry| entry.map(f)).collect::<Result<_>>()?)
            }
        })
    }

    /// The tensors in order, depth first.
    #[must_use]
    pub fn tensors(&self) -> Vec<&tch::Tensor> {
        match self {
            Activity::Tensor(tensor) => vec![tensor],
            Activity::Table(entries) => entries.iter().flat_map(Activity::tensors).collect(),
        }
    }

    /// The same tensors again, without copying elements.
    #[must_use]
    pub fn share(&self) -> Activity {
        match self {
            Activity::Tensor(tensor) => Activity::Tensor(tensor.shallow_clone()),
            Activity::Table(entries) => Activity::Table(entries.iter().map(Activity::share).collect()),
        }
    }

    /// Its shape as error pages and tables show it.
    #[must_use]
    pub fn shape(&self) -> Shape {
        match self {
            Activity::Tensor(tensor) => Shape::Tensor(tensor.size()),
            Activity::Table(entries) => Shape::Table(entries.iter().map(Activity::shape).collect()),
        }
    }
}

/// Input and gradient of a module that gives a tensor of its input's size, where both are tensors of one size and type.
#[must_use]
pub(super) fn alike<'a>(input: &'a Activity, grad: &'a Activity) -> Option<(&'a tch::Tensor, &'a tch::Tensor)> {
    match (input, grad) {
        (Activity::Tensor(x), Activity::Tensor(g)) if is_floating(x) && are_alike(x, g) => Some((x, g)),
        _ => None,
    }
}

/// An input and a target of as many numbers of its kind, in its sizes; `None` where the two do not fit, or there is no number.
///
/// # Errors
/// When the memory cannot be had.
pub(super) fn matched<'a>(input: &'a Activity, target: &Activity) -> Result<Option<(&'a tch::Tensor, tch::Tensor)>> {
    match (input, target) {
        (Activity::Tensor(x), Activity::Tensor(t))
            if x.is_floating_point() && x.kind() == t.kind() && x.numel() == t.numel() && x.numel() > 0 =>
        {
            Ok(Some((x, t.f_reshape(x.size())?)))
        }
        _ => Ok(None),
    }
}

/// The gradient of a module that gives its input's elements in other sizes; `None` where the two do not fit.
///
/// # Errors
/// When the memory cannot be had.
pub(super) fn gradient_in_sizes_of(input: &Activity, grad: &Activity) -> Result<Option<Activity>> {
    let (Activity::Tensor(x), Activity::Tensor(g)) = (input, grad) else { return Ok(None) };
    let fits = x.is_floating_point() && x.kind() == g.kind() && x.numel() == g.numel();
    Ok(if fits { Some(g.f_reshape(x.size())?.into()) } else { None })
}

impl From<tch::Tensor> for Activity {
    fn from(tensor: tch::Tensor) -> Self {
        Activity::Tensor(tensor)
    }
}

/// The shape of an activity: `[64, 784]`, or `{[64, 50], [64]}` for a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Sizes of a tensor.
    Tensor(Vec<i64>),
    /// Shapes of a table's entries.
    Table(Vec<Shape>),
}

impl Shape {
    /// Number of elements in all tensors together.
    #[must_use]
    pub fn numel(&self) -> i64 {
        match self {
            Shape::Tensor(size) => size.iter().product(),
            Shape::Table(entries) => entries.iter().map(Shape::numel).sum(),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Tensor(size) => write!(f, "{size:?}"),
            Shape::Table(entries) => {
                f.write_str("{")?;
                for (i, entry) in entries.iter().enumerate() {
                    write!(f, "{}{entry}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

impl From<Shape> for String {
    fn from(shape: Shape) -> String {
        shape.to_string()
    }
}
