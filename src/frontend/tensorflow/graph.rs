//! `Graph`: the operations of a file in the order in which they were made, each with TensorFlow's name, type, sizes and line.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use super::state::{Constant, Feed, Graph, Operation, Scopes, Source, State, Symbol};
use crate::{
    error::{Error, Kind, Origin, Result},
    nn::{
        Context, Mode,
        dataflow::{DType, Described, Dims, Leaf, Meta, Op, ProgramBuilder, Slot},
    },
    torch::{Generator, memory},
};

/// Larger graphs are loops that went wrong.
const MOST_TENSORS: usize = 100_000;
/// Of one tensor.
const MOST_DIMENSIONS: usize = 32;
/// Longer vectors of whole numbers are not looked into: they are no sizes.
const LONGEST_SIZES: usize = 1024;
/// Numbers in all constants of a file, at most.
const LARGEST_CONSTANT: usize = 1 << 24;

impl Graph {
    /// An empty graph; initial values are drawn from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Graph {
        Graph(Rc::new(RefCell::new(State {
            operations: Vec::new(),
            variables: Vec::new(),
            named: HashMap::new(),
            shared: HashMap::new(),
            learned: 0,
            scopes: Scopes::default(),
            collections: HashMap::new(),
            summaries: Vec::new(),
            made: 0,
            constants: 0,
            generator: RefCell::new(Generator::new(seed)),
            origin: None,
        })))
    }

    pub(super) fn with<T>(&self, f: impl FnOnce(&State) -> T) -> T {
        f(&self.0.borrow())
    }

    pub(super) fn with_mut<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.borrow_mut())
    }

    /// Whether both are one graph.
    #[must_use]
    pub fn is(&self, other: &Graph) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// The line that the operations made from now on come from.
    pub fn set_origin(&self, origin: Option<Origin>) {
        self.with_mut(|state| state.origin = origin);
    }

    /// The line that is at work.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        self.with(|state| state.origin.clone())
    }

    /// A page about what the line at work does: with its place and scope.
    #[must_use]
    pub fn placed(&self, error: Error) -> Error {
        self.with(|state| {
            let scope = state.scopes.names.current().trim_end_matches('/');
            let error = if scope.is_empty() { error } else { error.in_module(scope.to_string()) };
            error.at(state.origin.as_ref())
        })
    }

    fn push(&self, name: &str, source: Source, inputs: Vec<Symbol>, results: Vec<Meta>) -> Result<Symbol> {
        if let Some(deep) = results.iter().find(|result| result.dims.rank() > MOST_DIMENSIONS) {
            return Err(self.placed(
                Error::new(Kind::Limit, format!("a tensor of more than {MOST_DIMENSIONS} dimensions"))
                    .with_fact("it would have", deep.dims.rank().to_string()),
            ));
        }
        self.with_mut(|state| {
            state.made += results.len().max(1);
            if state.made > MOST_TENSORS {
                return Err(Error::new(Kind::Limit, format!("the graph has {MOST_TENSORS} tensors"))
                    .at(state.origin.as_ref())
                    .with_help("a loop in the file makes operations without end"));
            }
            let name = state.scopes.names.unique(name);
            state.operations.push(Operation { name, source, inputs, results, origin: state.origin.clone() });
            Ok(Symbol { operation: state.operations.len() - 1, output: 0 })
        })
    }

    /// A placeholder.
    ///
    /// # Errors
    /// `Kind::Limit` when the graph is full.
    pub fn placeholder(&self, feed: Feed, dtype: DType, dims: Dims, name: &str) -> Result<Symbol> {
        self.push(name, Source::Feed(feed), vec![], vec![Meta::new(dtype, dims)])
    }

    /// A constant of these sizes; one value stands for all.
    ///
    /// # Errors
    /// `Kind::Shape` when values and sizes differ, `Kind::Limit` when there are too many.
    pub fn constant(&self, mut values: Vec<f64>, dims: &[i64], dtype: DType, name: Option<&str>) -> Result<Symbol> {
        let count = Dims::known(dims).numel().and_then(|count| usize::try_from(count).ok());
        let count = count.filter(|&count| count <= LARGEST_CONSTANT).ok_or_else(|| {
            self.placed(
                Error::new(Kind::Limit, "a constant of the file is too large")
                    .with_fact("it has sizes", Dims::known(dims).to_string())
                    .with_help("make it a variable, or let an operation compute it"),
            )
        })?;
        let together = self.with_mut(|state| {
            state.constants = state.constants.saturating_add(count);
            state.constants
        });
        if together > LARGEST_CONSTANT {
            return Err(self.placed(Error::new(Kind::Limit, "the constants of the file are too large together")));
        }
        if values.len() == 1 && count != 1 {
            values = vec![values[0]; count];
        }
        if values.len() != count {
            return Err(self.placed(
                Error::new(Kind::Shape, "a constant has another number of values than its sizes say")
                    .with_fact("it has", values.len().to_string())
                    .with_fact("its sizes", Dims::known(dims).to_string()),
            ));
        }
        let whole = dtype.is_integer() && dims.len() <= 1 && values.len() <= LONGEST_SIZES;
        let numbers = whole.then(|| values.iter().map(|&value| Some(value as i64)).collect());
        let meta = Meta { numbers, ..Meta::new(dtype, Dims::known(dims)) };
        self.push(name.unwrap_or("Const"), Source::Constant(Rc::new(Constant { values })), vec![], vec![meta])
    }

    /// The operation that reads variable `index`.
    pub(super) fn read(&self, index: usize, name: &str, meta: Meta) -> Result<Symbol> {
        // A variable's own name is unique already and takes no scope.
        let symbol = self.push("read", Source::Variable(index), vec![], vec![meta])?;
        self.with_mut(|state| state.operations[symbol.operation].name = name.to_string());
        Ok(symbol)
    }

    /// Adds an operation; its first result. `name` is its own in the current scope, else TensorFlow's default.
    ///
    /// # Errors
    /// A page with line and scope when the inputs do not fit.
    pub fn add(&self, op: impl Into<Op>, inputs: &[Symbol], name: Option<&str>) -> Result<Symbol> {
        let op = op.into();
        let metas: Vec<Meta> = inputs.iter().map(|&symbol| self.meta(symbol)).collect();
        let title = name.unwrap_or(op.name());
        let results = op.infer(&metas).map_err(|error| self.placed(error.in_module(title.to_string())))?;
        for result in &results {
            // A sample of it, at least: unknown extents count once.
            let count = result.dims.0.iter().try_fold(1i64, |count, dim| count.checked_mul(dim.unwrap_or(1)));
            memory::check(count.unwrap_or(i64::MAX), 4, "a tensor")
                .map_err(|error| self.placed(error.with_fact("its sizes", result.dims.to_string())))?;
        }
        self.push(title, Source::Op(op), inputs.to_vec(), results)
    }

    /// All results of an operation.
    #[must_use]
    pub fn results(&self, symbol: Symbol) -> Vec<Symbol> {
        let count = self.with(|state| state.operations[symbol.operation].results.len());
        (0..count).map(|output| Symbol { operation: symbol.operation, output }).collect()
    }

    /// What is known of a value.
    #[must_use]
    pub fn meta(&self, symbol: Symbol) -> Meta {
        self.with(|state| state.operations[symbol.operation].results[symbol.output].clone())
    }

    /// Its sizes.
    #[must_use]
    pub fn dims(&self, symbol: Symbol) -> Dims {
        self.meta(symbol).dims
    }

    /// Its element type.
    #[must_use]
    pub fn dtype(&self, symbol: Symbol) -> DType {
        self.with(|state| state.operations[symbol.operation].results[symbol.output].dtype)
    }

    /// The operation of a value.
    #[must_use]
    pub fn operation(&self, symbol: Symbol) -> Operation {
        self.with(|state| state.operations[symbol.operation].clone())
    }

    /// `model/fc1/Relu:0`
    #[must_use]
    pub fn name(&self, symbol: Symbol) -> String {
        self.with(|state| format!("{}:{}", state.operations[symbol.operation].name, symbol.output))
    }

    /// Says that a value's sizes are these: `set_shape`.
    ///
    /// # Errors
    /// `Kind::Shape` when they cannot be.
    pub fn set_shape(&self, symbol: Symbol, dims: &Dims) -> Result<()> {
        let known = self.dims(symbol);
        if !known.fits(dims) {
            return Err(self.placed(
                Error::new(Kind::Shape, "the tensor cannot have these sizes")
                    .with_fact("it has", known.to_string())
                    .with_fact("set_shape says", dims.to_string()),
            ));
        }
        self.with_mut(|state| {
            state.operations[symbol.operation].results[symbol.output].dims = known.merged(dims);
        });
        Ok(())
    }

    /// The number of a constant scalar.
    #[must_use]
    pub fn scalar(&self, symbol: Symbol) -> Option<f64> {
        self.with(|state| match &state.operations[symbol.operation].source {
            Source::Constant(constant) if constant.values.len() == 1 => constant.values.first().copied(),
            Source::Op(Op::Pointwise(crate::nn::dataflow::Pointwise::Identity)) => None,
            _ => None,
        })
    }

    /// Adds a value to a collection.
    pub fn add_to_collection(&self, collection: &str, symbol: Symbol) {
        self.with_mut(|state| state.collections.entry(collection.to_string()).or_default().push(symbol));
    }

    /// The values of a collection whose operations' names begin with `scope`.
    #[must_use]
    pub fn collection(&self, collection: &str, scope: Option<&str>) -> Vec<Symbol> {
        self.with(|state| {
            let all = state.collections.get(collection).map_or(&[][..], Vec::as_slice);
            let fits =
                |symbol: &&Symbol| scope.is_none_or(|scope| state.operations[symbol.operation].name.starts_with(scope));
            all.iter().filter(fits).copied().collect()
        })
    }

    /// The value of a symbol that depends on no batch: an initial value. Random numbers come from the graph's generator.
    ///
    /// # Errors
    /// `Kind::Network` when it depends on a batch, and those of its operations.
    pub fn evaluate(&self, symbol: Symbol) -> Result<tch::Tensor> {
        let operations = self.ancestors(symbol);
        let mut builder = ProgramBuilder::new(tch::Kind::Float, tch::Device::Cpu);
        let mut places: HashMap<usize, Slot> = HashMap::new();
        for at in operations {
            let operation = self.with(|state| state.operations[at].clone());
            let slot = match operation.source {
                Source::Feed(_) => {
                    return Err(self.placed(
                        Error::new(Kind::Network, "an initial value depends on the batch")
                            .with_fact("through", operation.name),
                    ));
                }
                Source::Constant(constant) => builder.leaf(Leaf::Constant(tensor_of(
                    &constant,
                    &operation.results[0],
                    tch::Kind::Float,
                    tch::Device::Cpu,
                )?)),
                Source::Variable(index) => {
                    builder.leaf(Leaf::Variable(self.with(|state| state.variables[index].initial.shallow_clone())))
                }
                Source::Op(op) => {
                    let inputs =
                        operation.inputs.iter().map(|input| Slot { output: input.output, ..places[&input.operation] });
                    let described = Described {
                        path: String::new(),
                        label: operation.name,
                        origin: operation.origin,
                        visible: false,
                    };
                    builder.step(op, inputs.collect(), described, vec![])
                }
            };
            places.insert(at, slot);
        }
        let wanted = Slot { output: symbol.output, ..places[&symbol.operation] };
        let program = builder.finish(vec![vec![wanted]]);
        let nothing = tch::Tensor::f_zeros([0], (tch::Kind::Float, tch::Device::Cpu))?;
        let generator = self.with(|state| state.generator.clone());
        let value = tch::no_grad(|| {
            let mut cx = Context::with_generator(Mode::Train, &generator);
            program.get(0, &mut program.begin(&nothing, None), &mut cx)
        });
        self.with_mut(|state| state.generator = generator);
        value.map(|mut values| values.remove(0))
    }

    /// The operations that a value needs, in order, its own included.
    pub(super) fn ancestors(&self, symbol: Symbol) -> Vec<usize> {
        self.needed(&[symbol], |_| false)
    }

    /// The operations that these values need, in order; what those need whose values `are_known` is left out.
    pub(super) fn needed(&self, wanted: &[Symbol], are_known: impl Fn(usize) -> bool) -> Vec<usize> {
        let count = wanted.iter().map(|symbol| symbol.operation + 1).max().unwrap_or(0);
        let mut needed = vec![false; count];
        wanted.iter().for_each(|symbol| needed[symbol.operation] = true);
        self.with(|state| {
            for at in (0..count).rev() {
                if needed[at] && !are_known(at) {
                    state.operations[at].inputs.iter().for_each(|input| needed[input.operation] = true);
                }
            }
        });
        (0..count).filter(|&at| needed[at]).collect()
    }

    /// The numbers of the variables that these values read, where `are_known` says which operations' values are at hand.
    pub(super) fn variables_of(&self, wanted: &[Symbol], are_known: impl Fn(usize) -> bool) -> Vec<usize> {
        let needed = self.needed(wanted, are_known);
        self.with(|state| {
            let variable = |at: usize| match state.operations[at].source {
                Source::Variable(index) => Some(index),
                _ => None,
            };
            let mut read: Vec<usize> = needed.into_iter().filter_map(variable).collect();
            read.sort_unstable();
            read.dedup();
            read
        })
    }
}

/// A constant as libtorch has it.
pub(super) fn tensor_of(constant: &Constant, meta: &Meta, real: tch::Kind, device: tch::Device) -> Result<tch::Tensor> {
    let size = meta.dims.all().unwrap_or_default();
    let flat = tch::Tensor::f_from_slice(&constant.values)?.f_reshape(&size[..])?;
    // Sizes stay on the processor, where they are read.
    let device = if meta.dtype.is_integer() && size.len() <= 1 { tch::Device::Cpu } else { device };
    Ok(flat.f_to_kind(meta.dtype.kind(real))?.f_to_device(device)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::dataflow::{Array, Distribution, Random};

    #[test]
    fn names_are_tensorflow_s() {
        let graph = Graph::new(1);
        let x = graph.placeholder(Feed::Images, DType::Float32, Dims(vec![None, Some(2)]), "x").unwrap();
        let _scope = graph.name_scope("a");
        let y = graph.add(Array::Reverse(vec![1]), &[x], None).unwrap();
        let z = graph.add(Array::Reverse(vec![1]), &[x], None).unwrap();
        assert_eq!((graph.name(y), graph.name(z)), ("a/ReverseV2:0".into(), "a/ReverseV2_1:0".into()));
    }

    #[test]
    fn initial_values_are_computed_and_repeatable() {
        let draw = || {
            let graph = Graph::new(3);
            let sizes = graph.constant(vec![2.0, 3.0], &[2], DType::Int32, None).unwrap();
            let normal = Random::Draw(Distribution::Normal { mean: 0.0, std: 1.0 }, DType::Float32);
            let x = graph.add(normal, &[sizes], None).unwrap();
            (graph.evaluate(x).unwrap(), graph.evaluate(x).unwrap())
        };
        let ((a, b), (c, _)) = (draw(), draw());
        assert_eq!(a.size(), [2, 3]);
        assert!(a == c && a != b);
    }

    #[test]
    fn constants_have_a_limit() {
        let graph = Graph::new(1);
        assert!(graph.constant(vec![0.0], &[1 << 40], DType::Float32, None).is_err());
        assert!(graph.constant(vec![0.0, 1.0], &[3], DType::Float32, None).is_err());
    }
}
